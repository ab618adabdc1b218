import { fileURLToPath } from "node:url";
import { defineConfig } from "vitest/config";

export default defineConfig({
  // React's entry imports the package by its name, as its users do.
  resolve: {
    alias: { "@eventmill/tracker": fileURLToPath(new URL("src/index.ts", import.meta.url)) },
  },
  test: { environment: "jsdom", include: ["test/**/*.test.ts"], restoreMocks: true },
});
