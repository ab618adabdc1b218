/**
 * Events that wait to be sent. An event leaves the queue only when the service has answered for it.
 *
 * Each tab has a queue of its own in `localStorage`, one key for each event, and holds a Web Lock of
 * the tab's name. A queue whose lock is free belongs to a tab that is gone: whoever gets that lock
 * takes its events over, so no two tabs ever send from the same queue. Without Web Locks (pages that
 * are not HTTPS) a queue's events are taken over when they are ten minutes old.
 */

import { type Store, uuid } from "./browser.js";

export interface Item {
  id: string;
  /** The event as JSON, as it was when it was recorded. */
  json: string;
  /** Whose token it needs; "" if none. */
  user: string;
  /** Whether it is in the storage. */
  kept?: boolean;
  /** Whether a request with it is on its way. */
  sending?: boolean;
}

const PREFIX = "em.q.";
const TAB_LENGTH = 8;
// About 1 MB of ordinary events, of the 5 MB that a page and its scripts share.
export const LIMIT = 1_000;
// Characters. `keepalive` and beacons take 64 KB at a time, and UTF-8 up to three bytes for one; the
// events leave room for the key and a token.
const BATCH_LARGEST = 18_000;
export const LARGEST = 21_000;
const OLD = 10 * 60_000;

/** `ready`: the stored events are this tab's to send. `dropped`: there was no room for this one. */
export function createQueue(device: () => Store, ready: () => void, dropped: (item: Item) => void) {
  const tab = uuid().slice(0, TAB_LENGTH);
  const items = new Map<string, Item>();
  // Undefined in a browser without locks, and on pages that are not HTTPS.
  const locks = navigator.locks as LockManager | undefined;
  let owned = false;
  let release = () => {};

  const key = (item: Item) => PREFIX + tab + "." + item.id;

  const keep = (item: Item) => {
    // The time is for tabs without locks. JSON has no line break, so the last one ends the user.
    const text = Date.now() + " " + item.user + "\n" + item.json;
    if (owned) item.kept ||= device().set(key(item), text) !== false;
  };

  const remove = (item: Item) => {
    items.delete(item.id);
    device().remove(key(item));
  };

  const add = (item: Item) => {
    items.set(item.id, item);
    keep(item);
    for (const oldest of items.values()) {
      if (items.size > LIMIT && !oldest.sending) {
        remove(oldest);
        dropped(oldest);
      }
    }
  };

  const stored = () => device().keys().filter((name) => name.startsWith(PREFIX));

  /** Wait for this tab's lock; from then on the stored events are this tab's to send. */
  const own = () => {
    const begin = () => {
      owned = true;
      items.forEach(keep);
      ready();
    };
    const hold = () => {
      begin();
      return new Promise<void>((resolve) => (release = resolve));
    };
    // Where locks are forbidden (a sandboxed frame), so is the storage.
    locks ? locks.request(PREFIX + tab, hold).catch(begin) : begin();
  };

  /** Let go of it: a page that holds a lock is not kept for the way back. */
  const disown = () => {
    owned = false;
    release();
  };

  const inherit = (other: string, age: number) => {
    for (const name of stored()) {
      const text = device().get(name) || "";
      if (!name.startsWith(PREFIX + other) || Date.now() - parseInt(text) < age) continue;
      // First, for where the storage is full.
      device().remove(name);
      const [, user, json] = text.match(/^\d+ (.*)\n(.+)$/s) ?? [];
      if (json) add({ id: name.slice(PREFIX.length + TAB_LENGTH + 1), json, user: user! });
    }
  };

  /** Take over what tabs that are gone have left. */
  const adopt = async () => {
    for (const other of new Set(stored().map((name) => name.substr(PREFIX.length, TAB_LENGTH)))) {
      if (other === tab) continue;
      if (locks) {
        await locks
          .request(PREFIX + other, { ifAvailable: true }, (lock) => {
            if (lock && owned) inherit(other, 0);
          })
          .catch(() => {});
      } else inherit(other, OLD);
    }
  };

  /** The next events to send together: at most `most`, and of one user whom `may` lets pass. */
  const take = (most: number, may: (user: string) => boolean): Item[] => {
    const batch: Item[] = [];
    let size = 0;
    for (const item of items.values()) {
      if (item.kept && device().get(key(item)) === null) {
        items.delete(item.id); // another tab took it over, or the visitor opted out there
        continue;
      }
      if (item.sending || !may(item.user) || (batch[0] && batch[0].user !== item.user)) continue;
      size += item.json.length;
      if (batch.length === most || (batch[0] && size > BATCH_LARGEST)) break;
      batch.push(item);
    }
    for (const item of batch) item.sending = true;
    return batch;
  };

  return {
    add,
    adopt,
    disown,
    own,
    remove,
    take,
    /** They are to be sent again. */
    back(batch: Iterable<Item> = items.values()) {
      for (const item of batch) {
        item.sending = false;
        if (items.has(item.id)) keep(item);
      }
    },
    /** Forget the events of all tabs. */
    clear() {
      items.clear();
      stored().forEach(device().remove);
    },
    isOwned: () => owned,
    /** How many can be sent, those on their way not counted. */
    count: (may: (user: string) => boolean) =>
      [...items.values()].filter((item) => !item.sending && may(item.user)).length,
  };
}

export type Queue = ReturnType<typeof createQueue>;
