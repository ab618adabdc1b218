/**
 * Bringing the queue's events to the service, again and again until it has answered for each.
 *
 * | answer | what becomes of the events |
 * |---|---|
 * | `results` (200, 403, 422) | done; what was rejected is reported, since no retry makes it right |
 * | 413, 400 without `results` | sent again by halves; one that fails alone is reported and dropped |
 * | 401 with a user's token | kept until `identify` brings another token |
 * | other 4xx (a wrong key or address) | kept; nothing more is sent from this page |
 * | 408, 429, 5xx, none | sent again, with the same ids, later |
 */

import { type Item, LARGEST, type Queue } from "./queue.js";
import type { Options, Problem } from "./types.js";

const BATCH = 10;
const INTERVAL = 5_000;
// Longer than the service itself takes to give up, and than most slow connections need.
const PATIENCE = 15_000;
// Seconds. Without the second a server that says a year would be believed.
const LONGEST_PAUSE = 60;
const LONGEST_WAIT = 3600;

export function createDelivery(
  queue: Queue,
  options: Options,
  tokens: Map<string, string>,
  report: (problem: Problem) => void,
) {
  let timer: ReturnType<typeof setTimeout> | undefined;
  let active: Promise<void> | undefined;
  let most = BATCH;
  let failures = 0;
  let notBefore = 0;
  // Whether it was the service that asked to wait, which a new connection does not change.
  let asked = false;
  let stopped = false;

  const may = (user: string) => !user || tokens.has(user);
  const url = () => options.endpoint.replace(/\/$/, "") + "/v1/events";

  // As text the request needs no preflight: one round trip, and it may outlive the page.
  const body = (batch: Item[]) => {
    const head = {
      write_key: options.writeKey,
      user_token: tokens.get(batch[0]!.user),
      sent_at: new Date(),
    };
    return JSON.stringify(head).slice(0, -1) + `,"events":[${batch.map((item) => item.json)}]}`;
  };

  const request = (text: string) =>
    fetch(url(), {
      method: "POST",
      body: text,
      keepalive: text.length < LARGEST,
      // Where there is no such function yet, the browser's own patience has to do.
      ...({ signal: AbortSignal.timeout?.(PATIENCE) } as RequestInit),
    });

  /** Wait as long as the service asks, else 2 s, 4 s, 8 s …, and up to half as long again. */
  const later = (seconds?: number) => {
    asked = !!seconds;
    const pause = Math.min(seconds || Math.min(LONGEST_PAUSE, 2 ** ++failures), LONGEST_WAIT);
    // Those who failed together are not to come again together.
    notBefore = Date.now() + pause * 1000 * (1 + Math.random() / 2);
  };

  const lose = (item: Item, problem: Problem) => {
    queue.remove(item);
    report({ ...problem, event: JSON.parse(item.json) });
  };

  const settle = async (batch: Item[], answer: Response) => {
    const { status } = answer;
    const said = await answer.json().catch(() => ({}));
    const detail: string = said.detail ?? "";
    if (said.results?.length === batch.length) {
      batch.forEach((item, place) => {
        const { status: became, errors } = said.results[place];
        became === "rejected"
          ? lose(item, { message: "event rejected", status, errors })
          : queue.remove(item);
      });
      failures = notBefore = 0;
      most = BATCH;
    } else if (status === 400 || status === 413) {
      if (batch.length > 1) most = batch.length >> 1;
      else lose(batch[0]!, { message: "event refused: " + detail, status });
    } else if (status >= 500 || status === 429 || status === 408 || status < 400) {
      later(+answer.headers.get("Retry-After")!); // a date is no number: as if it was not there
    } else {
      const { user } = batch[0]!;
      if (status === 401 && user) tokens.delete(user);
      else stopped = true;
      report({ message: "sender refused: " + detail, status });
    }
  };

  const post = async (batch: Item[]) => {
    try {
      await settle(batch, await request(body(batch)));
    } catch {
      later(); // no connection, or no answer in time
    }
    queue.back(batch); // what is left of it
  };

  const loop = async () => {
    while (!stopped && queue.isOwned() && Date.now() >= notBefore) {
      const batch = queue.take(most, may);
      if (!batch.length) return;
      await post(batch);
    }
  };

  const run = () => {
    clearTimeout(timer);
    timer = undefined;
    active ??= loop().finally(() => {
      active = undefined;
      soon();
    });
    return active;
  };

  /** Send within 5 s, or when the service may be asked again. */
  const soon = () => {
    if (!stopped && !active && queue.count(may)) {
      timer ??= setTimeout(run, Math.max(INTERVAL * +!failures, notBefore - Date.now()));
    }
  };

  return {
    run,
    soon,
    /** An event was recorded. */
    added() {
      queue.count(may) >= BATCH ? run() : soon();
    },
    /** There is a connection again. */
    online() {
      if (!asked) notBefore = 0;
      run();
    },
    /** The page may be about to end: hand over to the browser what is not on its way already. */
    leave() {
      for (;;) {
        const batch = queue.take(BATCH, may);
        const waits = stopped || Date.now() < notBefore;
        if (!batch.length || (waits && batch.every((item) => item.kept))) return;
        // Whether it arrives nobody will tell this page, so the events stay in the queue.
        const text = body(batch);
        if (!navigator.sendBeacon?.(url(), text)) request(text).catch(() => {});
      }
    },
  };
}

export type Delivery = ReturnType<typeof createDelivery>;
