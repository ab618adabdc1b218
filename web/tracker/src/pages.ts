/** Page views by themselves: at load, on the way back, and in single-page apps. */

import type { Core } from "./tracker.js";

export function pages({ listen, options, page }: Core) {
  const place = () => location.pathname + location.search;
  let seen = place();
  let timer: ReturnType<typeof setTimeout> | undefined;

  const view = () => {
    if (options.pages !== false) page();
  };

  const look = () => {
    if (seen === place()) return;
    seen = place();
    // The app sets the title after the address; a redirect on the way is no view.
    clearTimeout(timer);
    timer = setTimeout(view);
  };

  // Not replaceState, which apps use to note the state of a filter or the scroll position.
  const push = history.pushState;
  history.pushState = function (...given) {
    push.apply(this, given);
    look();
  };
  listen(window, "popstate", look);
  // From the browser's cache of whole pages.
  listen<PageTransitionEvent>(window, "pageshow", ({ persisted }) => persisted && view());

  // A page that is rendered before it is shown may never be shown.
  const { prerendering } = document as { prerendering?: boolean };
  if (prerendering) listen(document, "prerenderingchange", view);
  else view();
}
