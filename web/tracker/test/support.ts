/** A service that answers as it is told, and notes what it was sent. */

import { vi } from "vitest";
import { createTracker } from "../src/tracker.js";
import type { Options, Problem } from "../src/types.js";
import type { Part } from "../src/tracker.js";

export interface Sent {
  write_key: string;
  user_token?: string;
  sent_at: string;
  events: Record<string, any>[];
}

export type Answer = { status?: number; headers?: Record<string, string>; body?: unknown };

/** Replaces `fetch`. `answers` are given one after the other, then every event is accepted. */
export function service(...answers: (Answer | Error)[]) {
  const requests: { url: string; init: RequestInit; body: Sent }[] = [];
  vi.stubGlobal("fetch", async (url: string, init: RequestInit) => {
    const body = JSON.parse(init.body as string) as Sent;
    requests.push({ url, init, body });
    const answer = answers.shift() ?? {};
    if (answer instanceof Error) throw answer;
    const results = body.events.map((event) => ({ event_id: event.event_id, status: "accepted" }));
    return new Response(JSON.stringify(answer.body ?? { results }), {
      status: answer.status ?? 200,
      ...(answer.headers && { headers: answer.headers }),
    });
  });
  const types = () => requests.flatMap(({ body }) => body.events.map((event) => event.event_type));
  return { requests, types };
}

/** A tracker that has started, and the problems that it reports. */
export function started(options: Partial<Options> = {}, ...parts: Part[]) {
  const problems: Problem[] = [];
  const tracker = createTracker(...parts);
  tracker.init({
    writeKey: "emk_pub_1",
    endpoint: "https://events.example/",
    onError: (problem) => problems.push(problem),
    ...options,
  });
  // It starts in tasks of its own, for which `flush` waits.
  if (vi.isFakeTimers()) vi.advanceTimersByTime(0);
  return { tracker, problems };
}
