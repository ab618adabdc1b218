import { act, createElement, StrictMode, useEffect } from "react";
import { createRoot } from "react-dom/client";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { createTracker } from "../src/tracker.js";
import { pages } from "../src/pages.js";
import { AnalyticsProvider, useAnalytics } from "../src/react.js";
import { service } from "./support.js";

beforeEach(() => {
  localStorage.clear();
  vi.stubGlobal("IS_REACT_ACT_ENVIRONMENT", true);
});
afterEach(() => vi.unstubAllGlobals());

const options = { writeKey: "emk_pub_1", endpoint: "https://events.example" };

it("sends one page view in strict mode, and what children record when they are mounted", async () => {
  const { types } = service();
  const tracker = createTracker(pages);
  let renders = 0;
  const seen = new Set<unknown>();

  function Asset() {
    const analytics = useAnalytics();
    renders++;
    seen.add(analytics);
    useEffect(() => analytics.track("asset_viewed", {}, { ip_asset_id: "a-1" }), [analytics]);
    return null;
  }
  const tree = () =>
    createElement(
      StrictMode,
      null,
      createElement(AnalyticsProvider, { ...options, tracker, children: createElement(Asset) }),
    );
  const root = createRoot(document.createElement("div"));
  await act(async () => root.render(tree()));
  await act(async () => root.render(tree()));
  await tracker.flush();
  expect(types().filter((type) => type === "page_viewed")).toHaveLength(1);
  // Strict mode runs a component's effects twice in development; the component's own are its own.
  expect(types().filter((type) => type === "asset_viewed")).toHaveLength(2);
  expect(renders).toBeGreaterThan(2);
  expect(seen.size).toBe(1);
  await act(async () => root.unmount());
});

it("takes options that change", async () => {
  const { requests } = service({ status: 200, body: { results: [{ status: "rejected" }] } });
  const tracker = createTracker();
  const problems: unknown[] = [];
  const root = createRoot(document.createElement("div"));
  const provider = (extra: object) => createElement(AnalyticsProvider, { ...options, tracker, ...extra });
  await act(async () => root.render(provider({})));
  await act(async () => root.render(provider({ onError: (problem: unknown) => problems.push(problem) })));
  tracker.track("cta_clicked");
  await tracker.flush();
  expect(requests).toHaveLength(1);
  expect(problems).toHaveLength(1);
});
