/** The tracker without what it records by itself: it sends what it is told to. */

import { createTracker } from "./tracker.js";

export type * from "./events.js";
export type * from "./types.js";

/** The page's tracker. */
export const eventmill = createTracker();
export const { init, track, page, identify, reset, flush, optOut, optIn } = eventmill;
