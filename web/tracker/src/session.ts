/** The visit: its id, and where it began. */

import { type Store, uuid } from "./browser.js";

export interface Session {
  id: string;
  /** When something was last recorded, in milliseconds since 1970. */
  at: number;
  /** The first page, with its UTM parameters and click ids, which the service reads from it. */
  landing: string;
  referrer: string;
}

export const KEY = "em.session";
// Google Analytics' rule, and the warehouse's: a longer pause ends a session.
const PAUSE = 30 * 60_000;

/** Gives the session of a moment (ms since 1970): a new one, which began on `page`, after a pause. */
export function sessions(device: () => Store) {
  let current: Session | undefined;
  // What brought the visitor to this page has not brought them back after a pause.
  let { referrer } = document;
  return (now: number, page: string): Session => {
    try {
      current = JSON.parse(device().get(KEY) || "") as Session;
    } catch {
      // None is stored; the one in memory serves where nothing can be.
    }
    current =
      current && now - current.at <= PAUSE
        ? { ...current, at: now }
        : { id: uuid(), at: now, landing: page, referrer };
    referrer = "";
    device().set(KEY, JSON.stringify(current));
    return current;
  };
}
