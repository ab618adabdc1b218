/** `em.core.js`: the core alone, and the view of the page that was loaded. */

import { install } from "./script.js";
import { createTracker } from "./tracker.js";

const tracker = createTracker();
install(tracker);
tracker.page();
