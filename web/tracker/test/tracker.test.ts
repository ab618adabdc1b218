import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { pages } from "../src/pages.js";
import { createTracker } from "../src/tracker.js";
import { service, started } from "./support.js";

beforeEach(() => {
  localStorage.clear();
  sessionStorage.clear();
  history.replaceState({}, "", "/start?utm_source=news");
});
afterEach(() => vi.unstubAllGlobals());

describe("recording", () => {
  it("sends the event as it was when it was recorded", async () => {
    const { requests } = service();
    const { tracker } = started();
    const props = { label: "before" };
    tracker.track("cta_clicked", props, { ip_asset_id: "a-1" });
    props.label = "after";
    history.replaceState({}, "", "/elsewhere");
    await tracker.flush();
    const [request] = requests;
    expect(request!.url).toBe("https://events.example/v1/events");
    expect(request!.body.write_key).toBe("emk_pub_1");
    expect(request!.body.events).toEqual([
      {
        event_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        event_type: "cta_clicked",
        occurred_at: expect.stringMatching(/^\d{4}-.*Z$/),
        anonymous_id: localStorage.getItem("em.anonymous"),
        session_id: expect.stringMatching(/^[0-9a-f]{32}$/),
        ip_asset_id: "a-1",
        props: { label: "before" },
        context: {
          page_url: `${location.origin}/start?utm_source=news`,
          landing_page: `${location.origin}/start?utm_source=news`,
          referrer: "",
        },
      },
    ]);
  });

  it("needs no preflight: the body is text and there are no headers", async () => {
    const { requests } = service();
    const { tracker } = started();
    tracker.track("cta_clicked");
    await tracker.flush();
    expect(typeof requests[0]!.init.body).toBe("string");
    expect(requests[0]!.init.headers).toBeUndefined();
  });

  it("keeps what is recorded before init, with its time and page", async () => {
    const { requests } = service();
    const tracker = createTracker();
    tracker.track("cta_clicked", { label: "early" });
    history.replaceState({}, "", "/later");
    tracker.init({ writeKey: "emk_pub_1", endpoint: "https://events.example" });
    await tracker.flush();
    expect(requests[0]!.body.events[0]!.context.page_url).toContain("/start");
  });

  it("starts once, however often init is called", async () => {
    const { types } = service();
    const { tracker } = started({}, pages);
    for (let time = 0; time < 3; time++) {
      tracker.init({ writeKey: "emk_pub_1", endpoint: "https://events.example" });
    }
    await tracker.flush();
    expect(types()).toEqual(["page_viewed"]);
  });

  it("names the person in events once it is told", async () => {
    const { requests } = service();
    const { tracker } = started();
    tracker.identify("u-1");
    tracker.track("cta_clicked");
    await tracker.flush();
    expect(requests[0]!.body.events[0]!.user_id).toBe("u-1");
    expect(requests[0]!.body.user_token).toBeUndefined();
  });

  it("sends what happened before a login without its token", async () => {
    const { requests } = service();
    const { tracker } = started();
    tracker.track("cta_clicked");
    tracker.identify("u-1", "token-1");
    tracker.track("license_clicked");
    await tracker.flush();
    expect(requests.map(({ body }) => [body.user_token, body.events[0]!.event_type])).toEqual([
      [undefined, "cta_clicked"],
      ["token-1", "license_clicked"],
    ]);
  });
});

describe("a page is never harmed", () => {
  it("by props that are no JSON", async () => {
    const { requests } = service();
    const { tracker, problems } = started();
    const circle: Record<string, unknown> = {};
    circle.itself = circle;
    tracker.track("cta_clicked", circle as object);
    tracker.track("cta_clicked", { label: 1n } as never);
    await tracker.flush();
    expect(problems).toHaveLength(2);
    expect(requests).toHaveLength(0);
  });

  it("by a callback of its own that throws", () => {
    service();
    const { tracker } = started({
      onError() {
        throw new Error("the page's own");
      },
    });
    expect(() => tracker.track("cta_clicked", { label: 1n } as never)).not.toThrow();
  });

  it("by options that are missing, or a secret key", () => {
    const warn = vi.spyOn(console, "warn").mockImplementation(() => {});
    const tracker = createTracker();
    expect(() => tracker.init(undefined as never)).not.toThrow();
    expect(() => tracker.init({ writeKey: "", endpoint: "" })).not.toThrow();
    tracker.init({ writeKey: "emk_sec_1", endpoint: "https://events.example" });
    expect(warn).toHaveBeenCalledTimes(3);
    expect(warn.mock.calls[2]![0]).toContain("secret");
  });

  it("by a storage that is forbidden", async () => {
    const { types } = service();
    const forbidden = () => {
      throw new DOMException("no", "SecurityError");
    };
    vi.spyOn(window, "localStorage", "get").mockImplementation(forbidden);
    vi.spyOn(window, "sessionStorage", "get").mockImplementation(forbidden);
    const { tracker } = started();
    for (let time = 0; time < 3; time++) tracker.track("cta_clicked");
    await tracker.flush();
    expect(types()).toHaveLength(3);
  });
});
