// @vitest-environment node
import { execFileSync } from "node:child_process";
import { fileURLToPath } from "node:url";
import { createElement } from "react";
import { renderToString } from "react-dom/server";
import { expect, it } from "vitest";
import { AnalyticsProvider, useAnalytics } from "../src/react.js";

const root = fileURLToPath(new URL("..", import.meta.url));
const node = (...script: string[]) =>
  execFileSync(process.execPath, script, { cwd: root, encoding: "utf8" }).trim();

it("renders on a server, where nothing is recorded", async () => {
  function Page() {
    const analytics = useAnalytics();
    analytics.track("cta_clicked");
    analytics.identify("u-1");
    return createElement("p", null, "hello");
  }
  const options = { writeKey: "emk_pub_1", endpoint: "https://events.example" };
  const children = createElement(Page);
  expect(renderToString(createElement(AnalyticsProvider, { ...options, children }))).toBe("<p>hello</p>");
  const { flush } = await import("../src/index.js");
  await flush();
});

const USE = "m.init({writeKey: 'k', endpoint: 'e'}); m.track('x'); m.flush().then(() => console.log('fine'))";

it("is an ES module", () => {
  expect(node("--input-type=module", "-e", `import * as m from "@eventmill/tracker"; ${USE}`)).toBe("fine");
  expect(node("--input-type=module", "-e", `import * as m from "@eventmill/tracker/core"; ${USE}`)).toBe("fine");
});

it("is CommonJS too", () => {
  expect(node("-e", `const m = require("@eventmill/tracker"); ${USE}`)).toBe("fine");
});

it("gives React the same tracker in both", () => {
  const same = "console.log(typeof r.useAnalytics, typeof r.AnalyticsProvider)";
  expect(node("-e", `const r = require("@eventmill/tracker/react"); ${same}`)).toBe("function function");
  expect(
    node("--input-type=module", "-e", `import * as r from "@eventmill/tracker/react"; ${same}`),
  ).toBe("function function");
});
