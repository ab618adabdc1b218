// Builds dist: modules for bundlers (ESM and CommonJS, with types) and the scripts for a tag.
import { execFileSync } from "node:child_process";
import { readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { build } from "esbuild";
import { minify } from "terser";

const modules = ["index", "core"].map((name) => `src/${name}.ts`);
const common = { bundle: true, target: "es2022", outdir: "dist", logLevel: "warning" };
// A component of React's that needs the browser, as the bundlers of server components are told.
const react = { entryPoints: ["src/react.ts"], banner: { js: '"use client";' } };
const external = ["@eventmill/tracker", "react"];

rmSync("dist", { recursive: true, force: true });
for (const [format, suffix] of [["esm", ".js"], ["cjs", ".cjs"]]) {
  const made = { ...common, format, outExtension: { ".js": suffix } };
  await build({ ...made, entryPoints: modules });
  await build({ ...made, ...react, external });
}
// Names that only our own objects have; the browser's and the page's stay as they are.
const own =
  "adopt|disown|own|isOwned|leaving|record|listen|kept|sending|added|soon|online|leave|view|report|back|run|take|count|options";
for (const name of ["em", "em.core"]) {
  const script = { ...common, entryPoints: [`src/${name}.ts`], format: "iife", write: false };
  const [{ text }] = (await build(script)).outputFiles;
  // A thirtieth smaller than esbuild's own.
  const { code } = await minify(text, {
    ecma: 2020,
    toplevel: true,
    compress: { passes: 3, unsafe_arrows: true, unsafe_methods: true },
    mangle: { properties: { regex: new RegExp(`^(${own})$`) } },
  });
  writeFileSync(`dist/${name}.js`, code + "\n");
}

const tsc = createRequire(import.meta.url).resolve("typescript/bin/tsc");
execFileSync(process.execPath, [tsc, "--emitDeclarationOnly"], { stdio: "inherit" });
// CommonJS finds types in .d.cts, whose imports name .cjs.
for (const file of readdirSync("dist").filter((name) => name.endsWith(".d.ts"))) {
  const text = readFileSync(`dist/${file}`, "utf8").replace(/(from ".\/\w+(\.\w+)*)\.js"/g, '$1.cjs"');
  writeFileSync(`dist/${file.replace(/\.d\.ts$/, ".d.cts")}`, text);
}
