/** For a script tag: `<script defer data-key="emk_pub_…" src="https://…/em.js"></script>`. */

import type { Options, Tracker } from "./types.js";

/** Start `tracker` as the tag says, and offer it to the page as `eventmill`. */
export function install(tracker: Tracker) {
  const { dataset, src } = document.currentScript as HTMLScriptElement;
  const options: Record<string, unknown> = {
    endpoint: src.replace(/\/[^/]*$/, ""),
    writeKey: dataset.key,
  };
  for (const [name, text] of Object.entries(dataset)) {
    // `data-outbound` is true, `data-pages="false"` is false, other texts are themselves.
    options[name] = !text || (text !== "false" && text);
  }
  (window as { eventmill?: Tracker }).eventmill = tracker;
  tracker.init(options as unknown as Options);
}

type Call = [name: keyof Tracker, ...given: unknown[]];

/** Make up for what the page called while the script was loading: `(eventmill ||= []).push([…])`. */
export function catchUp(tracker: Tracker, calls: unknown) {
  const push = ([name, ...given]: Call) => (tracker[name] as (...given: unknown[]) => void)(...given);
  Object.assign(tracker, { push });
  if (Array.isArray(calls)) calls.forEach(push);
}
