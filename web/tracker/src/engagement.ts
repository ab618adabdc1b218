/** How long somebody was there: the page visible, and something done in the last 30 s. */

import type { Core } from "./tracker.js";

const IDLE = 30_000;
// Less is added to the next report.
const SHORTEST = 1_000;
const SIGNS = ["pointerdown", "pointermove", "keydown", "scroll", "wheel"];

export function engagement(core: Core) {
  let total = 0;
  // When they last did something; 0 while the page is hidden.
  let last = 0;

  const count = () => {
    const now = performance.now();
    if (last) total += Math.min(now - last, IDLE);
    last = document.hidden ? 0 : now;
  };

  core.leaving = () => {
    count();
    if (total < SHORTEST || core.options.engagement === false) return;
    const props = { engagement_ms: Math.round(total) };
    total = 0;
    core.record("page_engaged", props, core.view.entity, core.view.page);
  };

  count();
  for (const sign of SIGNS) core.listen(window, sign, count);
  core.listen(document, "visibilitychange", count);
}
