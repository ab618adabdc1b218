/** The tracker with all its parts. */

import { clicks } from "./clicks.js";
import { engagement } from "./engagement.js";
import { pages } from "./pages.js";
import { createTracker } from "./tracker.js";

export type * from "./events.js";
export type * from "./types.js";

/** The page's tracker. */
export const eventmill = createTracker(pages, engagement, clicks);
export const { init, track, page, identify, reset, flush, optOut, optIn } = eventmill;
