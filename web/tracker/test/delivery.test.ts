import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { service, started } from "./support.js";

beforeEach(() => {
  localStorage.clear();
  vi.useFakeTimers();
  vi.spyOn(Math, "random").mockReturnValue(0.5);
});
afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const waiting = () => Object.keys(localStorage).filter((name) => name.startsWith("em.q.")).length;

describe("batches", () => {
  it("go after five seconds", async () => {
    const { requests } = service();
    const { tracker } = started();
    tracker.track("cta_clicked");
    await vi.advanceTimersByTimeAsync(4_900);
    expect(requests).toHaveLength(0);
    await vi.advanceTimersByTimeAsync(200);
    expect(requests).toHaveLength(1);
    expect(waiting()).toBe(0);
  });

  it("have at most ten events, and go when there are ten", async () => {
    const { requests } = service();
    const { tracker } = started();
    await tracker.flush();
    for (let time = 0; time < 25; time++) tracker.track("cta_clicked");
    await vi.advanceTimersByTimeAsync(0);
    expect(requests.map(({ body }) => body.events.length)).toEqual([10, 10, 5]);
  });

  it("fit into what outlives a page; an event that does not goes without that", async () => {
    const { requests } = service();
    const { tracker } = started();
    for (const size of [9_000, 9_000, 30_000, 10]) {
      tracker.track("cta_clicked", { label: "x".repeat(size) });
    }
    await tracker.flush();
    expect(requests.map(({ init, body }) => [init.keepalive, body.events.length])).toEqual([
      [true, 1],
      [true, 1],
      [false, 1],
      [true, 1],
    ]);
  });

  it("drop the oldest of more than a thousand events, and say so", async () => {
    service(...Array.from({ length: 100 }, () => new Error("offline")));
    const { tracker, problems } = started();
    for (let time = 0; time < 1_020; time++) tracker.track("cta_clicked");
    await vi.advanceTimersByTimeAsync(0);
    expect(problems.length).toBeGreaterThanOrEqual(10);
    expect(waiting()).toBeLessThanOrEqual(1_000 + 10);
  });
});

describe("what failed", () => {
  it("is sent again with the same ids, later each time", async () => {
    const offline = new TypeError("Failed to fetch");
    const { requests } = service(offline, offline, offline);
    const { tracker } = started();
    tracker.track("cta_clicked");
    await tracker.flush();
    // 2 s, 4 s and 8 s, and a quarter as the dice say.
    for (const [after, count] of [[2_400, 1], [200, 2], [4_800, 2], [300, 3], [9_700, 3], [400, 4]]) {
      await vi.advanceTimersByTimeAsync(after!);
      expect(requests).toHaveLength(count!);
    }
    expect(new Set(requests.map(({ body }) => body.events[0]!.event_id)).size).toBe(1);
    expect(waiting()).toBe(0);
  });

  it("waits as long as the service asks, also when a connection comes back", async () => {
    const { requests } = service({ status: 429, headers: { "Retry-After": "60" }, body: {} });
    const { tracker } = started();
    tracker.track("cta_clicked");
    await tracker.flush();
    window.dispatchEvent(new Event("online"));
    await vi.advanceTimersByTimeAsync(59_000);
    await tracker.flush();
    expect(requests).toHaveLength(1);
    await vi.advanceTimersByTimeAsync(32_000);
    expect(requests).toHaveLength(2);
  });

  it("goes at once when a connection comes back", async () => {
    const { requests } = service(new TypeError("Failed to fetch"));
    const { tracker } = started();
    tracker.track("cta_clicked");
    await tracker.flush();
    window.dispatchEvent(new Event("online"));
    await vi.advanceTimersByTimeAsync(0);
    expect(requests).toHaveLength(2);
  });

  it("is not believed to be stored when something else answers 200", async () => {
    const { requests } = service({ body: "<html>Log in to this hotel's network" });
    const { tracker } = started();
    tracker.track("cta_clicked");
    await tracker.flush();
    expect(waiting()).toBe(1);
    await vi.advanceTimersByTimeAsync(3_000);
    expect(requests).toHaveLength(2);
    expect(waiting()).toBe(0);
  });
});

describe("what the service refuses", () => {
  it("for one event of a batch is reported, the rest is done", async () => {
    const errors = [{ field: "props.label", message: "is not of type string" }];
    const results = [{ status: "accepted" }, { status: "rejected", errors }];
    const { requests } = service({ body: { results } });
    const { tracker, problems } = started();
    tracker.track("cta_clicked");
    tracker.track("cta_clicked", { label: 5 } as never);
    await tracker.flush();
    await vi.advanceTimersByTimeAsync(600_000);
    expect(requests).toHaveLength(1);
    expect(problems).toMatchObject([{ errors, event: { props: { label: 5 } } }]);
    expect(waiting()).toBe(0);
  });

  it("as too large is sent by halves, and what is too large alone is dropped", async () => {
    const large = { status: 413, body: { detail: "too large" } };
    const { requests } = service(large, large, large);
    const { tracker, problems } = started();
    for (let time = 0; time < 4; time++) tracker.track("cta_clicked");
    await tracker.flush();
    expect(requests.map(({ body }) => body.events.length)).toEqual([4, 2, 1, 1, 2]);
    expect(problems).toHaveLength(1);
    expect(waiting()).toBe(0);
  });

  it("for its key waits for another page", async () => {
    const { requests } = service({ status: 401, body: { detail: "unknown key" } });
    const { tracker, problems } = started();
    tracker.track("cta_clicked");
    await tracker.flush();
    await vi.advanceTimersByTimeAsync(600_000);
    tracker.track("cta_clicked");
    await tracker.flush();
    expect(requests).toHaveLength(1);
    expect(problems).toMatchObject([{ status: 401 }]);
    expect(waiting()).toBe(2);
  });

  it("for its token waits for the next one, and holds nobody else up", async () => {
    const { requests } = service({ status: 401, body: {} });
    const { tracker } = started();
    tracker.identify("u-1", "old");
    tracker.track("license_clicked");
    await tracker.flush();
    tracker.reset();
    tracker.track("cta_clicked");
    await tracker.flush();
    tracker.identify("u-1", "new");
    await tracker.flush();
    expect(requests.map(({ body }) => body.user_token)).toEqual(["old", undefined, "new"]);
    expect(waiting()).toBe(0);
  });
});

describe("a page that ends", () => {
  it("hands over to the browser what is not on its way", async () => {
    const { requests } = service();
    const beacons: string[] = [];
    Object.assign(navigator, { sendBeacon: (_: string, text: string) => beacons.push(text) > 0 });
    const { tracker } = started();
    for (let time = 0; time < 3; time++) tracker.track("cta_clicked");
    window.dispatchEvent(new Event("pagehide"));
    expect(requests).toHaveLength(0);
    expect(beacons.map((text) => JSON.parse(text).events.length)).toEqual([3]);
    // Nobody says whether it arrived.
    expect(waiting()).toBe(3);
  });
});
