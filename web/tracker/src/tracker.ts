/** The core: what is recorded, for whom and in which session. Sending is the queue's and delivery's. */

import { refusesTracking, store, uuid } from "./browser.js";
import { createDelivery, type Delivery } from "./delivery.js";
import { createQueue, type Queue } from "./queue.js";
import { KEY as SESSION, sessions } from "./session.js";
import type { Entity, Options, Problem, Tracker } from "./types.js";

/** What a part that is not of the core works with. */
export interface Core {
  options: Options;
  record(type: string, props?: object, entity?: Entity, page?: string): void;
  page(props?: object, entity?: Entity): void;
  report(problem: Problem): void;
  /** `target.addEventListener`, for a listener whose errors are reported instead of thrown. */
  listen<Kind extends Event>(target: EventTarget, name: string, call: (event: Kind) => void): void;
  /** What the visitor looks at: the page, and what it shows. */
  view: { page: string; entity?: Entity | undefined };
  /** Called before that changes, and when the page is hidden. */
  leaving: () => void;
}

export type Part = (core: Core) => void;

const ANONYMOUS = "em.anonymous";
const USER = "em.user";
const OUT = "em.out";
// What is recorded before `init`; more than that is a page that never calls it.
const EARLY = 100;

/** A tracker with the core's abilities and those of `parts`. */
export function createTracker(...parts: Part[]): Tracker {
  const options = {} as Options;
  const tokens = new Map<string, string>();
  const local = store("localStorage");
  const tabOnly = store("sessionStorage");
  const nowhere = store("");
  let early: (() => void)[] = [];
  let started = false;
  let out = false;
  let anonymous = "";
  let user = "";
  // The person whose token is at hand, in this page.
  let speaker = "";
  let queue: Queue;
  let delivery: Delivery;
  let sessionAt: ReturnType<typeof sessions>;
  // Resolved when the stored events are this tab's to send.
  let begun = () => {};
  const ready = new Promise<void>((resolve) => (begun = resolve));

  const report = (problem: Problem) =>
    options.onError
      ? options.onError(problem)
      : console.warn("[eventmill] " + problem.message, problem);

  /** The page that calls must not be harmed by its tracker. */
  const safe =
    <Given extends unknown[]>(call: (...given: Given) => void) =>
    (...given: Given) => {
      try {
        if (typeof document !== "undefined") call(...given);
      } catch (error) {
        try {
          report({ message: String(error) });
        } catch {
          // The page's own onError failed.
        }
      }
    };

  /** Now if the tracker has started, else when it does. */
  const whenStarted = (call: () => void) => {
    if (started) call();
    else if (early.length < EARLY) early.push(safe(call));
  };

  const isOut = () => out || refusesTracking() || local.get(OUT);
  const device = () => (options.cookieless ? nowhere : local);
  const tab = () => (options.cookieless ? nowhere : tabOnly);

  const core: Core = {
    options,
    report: safe(report),
    view: { page: "" },
    leaving() {},
    listen: (target, name, call) =>
      target.addEventListener(name, safe(call) as EventListener, { capture: true, passive: true }),
    page: (props, entity) =>
      core.record(
        "page_viewed",
        { title: document.title, path: location.pathname, ...props },
        entity,
      ),
    record(event_type, props, entity, page = location.href) {
      const now = Date.now();
      const event_id = uuid();
      // Made at once, so that later changes of the page's objects are not in it.
      const given = JSON.stringify({ ...entity, props });
      whenStarted(() => {
        if (isOut()) return;
        if (event_type === "page_viewed" || (entity && event_type.endsWith("_viewed"))) {
          core.leaving();
          core.view = { page, entity };
        }
        const { id, landing, referrer } = sessionAt(now, page);
        const event: Record<string, unknown> = {
          ...JSON.parse(given),
          event_id,
          event_type,
          occurred_at: new Date(now),
          context: { page_url: page, landing_page: landing, referrer },
        };
        // With a token the service takes the person from it.
        if (user && !speaker) event.user_id = user;
        if (!options.cookieless) {
          anonymous = local.get(ANONYMOUS) || anonymous || uuid();
          local.set(ANONYMOUS, anonymous);
          event.anonymous_id = anonymous;
          event.session_id = id;
        }
        queue.add({ id: event_id, json: JSON.stringify(event), user: speaker });
        delivery.added();
      });
    },
  };

  const forget = () => {
    anonymous = user = speaker = "";
    local.remove(ANONYMOUS);
    local.remove(USER);
    tabOnly.remove(SESSION);
    sessionAt = sessions(tab);
  };

  /** The last step of starting: what reads and writes the storage. */
  const finish = () => {
    user ||= device().get(USER) || "";
    started = true;
    for (const call of early) call();
    early = [];
    queue.own();
  };

  const start = () => {
    // Each in a task of its own, so that none of them is a long one.
    const steps = [...parts.map((part) => () => part(core)), finish];
    const step = safe(() => steps.shift()?.());
    const resume = async () => {
      await queue.adopt();
      delivery.soon();
    };
    sessionAt = sessions(tab);
    queue = createQueue(
      device,
      () => {
        begun();
        resume();
      },
      ({ json }) => core.report({ message: "queue full: the oldest event is lost", event: json }),
    );
    delivery = createDelivery(queue, options, tokens, core.report);
    core.view.page = location.href;
    core.listen(document, "visibilitychange", () => {
      if (document.hidden) {
        core.leaving();
        delivery.run();
      } else resume();
    });
    core.listen(window, "pagehide", () => {
      while (steps[0]) step();
      core.leaving();
      delivery.leave();
      queue.disown();
    });
    core.listen(window, "online", () => resume().then(delivery.online));
    core.listen(window, "pageshow", (event: PageTransitionEvent) => {
      // Back from the browser's cache of whole pages.
      if (!event.persisted) return;
      queue.back();
      queue.own();
    });
    for (const _ of steps) setTimeout(step);
  };

  return {
    init: safe((given: Options) => {
      if (!given.writeKey || !given.endpoint) throw "no writeKey or endpoint";
      if (given.writeKey.startsWith("emk_sec_")) throw "a secret key must not be in a page";
      const isFirst = !options.writeKey;
      Object.assign(options, given);
      if (isFirst) start();
    }),
    track: safe((type: string, props?: object, entity?: Entity) => core.record(type, props, entity)),
    page: safe(core.page),
    identify: safe((userId: string, token?: string) =>
      whenStarted(() => {
        user = userId;
        if (!isOut()) device().set(USER, user);
        speaker = token ? user : "";
        if (token) {
          tokens.set(user, token);
          delivery.soon();
        }
      }),
    ),
    reset: safe(() =>
      whenStarted(() => {
        delivery.run();
        forget();
      }),
    ),
    async flush() {
      if (!options.writeKey) return;
      await ready;
      await delivery.run();
    },
    optOut: safe(() => {
      out = true;
      local.set(OUT, "1");
      whenStarted(() => {
        queue.clear();
        forget();
      });
    }),
    optIn: safe(() => {
      out = false;
      local.remove(OUT);
    }),
  } as Tracker;
}
