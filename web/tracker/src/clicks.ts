/**
 * Clicks that need no code: on elements with `data-em-event`, on links to other hosts and to files.
 * One listener for the whole document, so a thousand such elements cost what one costs.
 */

import type { Core } from "./tracker.js";
import type { Entity } from "./types.js";

const FILES = /\.(pdf|docx?|xlsx?|pptx?|csv|txt|zip|gz|rar|7z|dmg|exe|mp[34]|wav|mov|avi|psd|ai|svg)$/i;

export function clicks({ listen, options, record, report }: Core) {
  const find = <Found>(event: Event, selector: string) =>
    // The composed path also sees into open shadow roots.
    event.composedPath().find((node) => (node as Element).matches?.(selector)) as Found | undefined;

  const look = (event: Event) => {
    const marked = find<HTMLElement>(event, "[data-em-event]");
    const link = find<HTMLAnchorElement>(event, "a[href]");
    if (marked) {
      if (event.type !== "click") return;
      const { emEvent, emProps, emEntity } = marked.dataset;
      let props: object | undefined;
      try {
        props = emProps ? JSON.parse(emProps) : undefined;
      } catch {
        report({ message: "data-em-props is not JSON: " + emProps });
      }
      const [, entity_type, entity_id] = emEntity?.match(/^(\w+):(.+)/) ?? [];
      record(emEvent!, props, entity_type ? ({ entity_type, entity_id } as Entity) : undefined);
    } else if (link) {
      const isFile = link.hasAttribute("download") || FILES.test(link.pathname);
      const cta_id =
        options.downloads && isFile
          ? "download"
          : options.outbound && /^http/.test(link.protocol) && link.host !== location.host
            ? "outbound"
            : "";
      if (cta_id) record("cta_clicked", { cta_id, href: link.href });
    }
  };

  // The second is for a link that the middle button opens in a new tab.
  for (const name of ["click", "auxclick"]) listen(window, name, look);
}
