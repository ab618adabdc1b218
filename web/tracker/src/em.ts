/** `em.js`: everything. */

import { clicks } from "./clicks.js";
import { engagement } from "./engagement.js";
import { pages } from "./pages.js";
import { catchUp, install } from "./script.js";
import { createTracker } from "./tracker.js";

const before = (window as { eventmill?: unknown }).eventmill;
const tracker = createTracker(pages, engagement, clicks);
install(tracker);
catchUp(tracker, before);
