/** What the compiler lets pass and what not; `npm run check` is the test. */

import { page, track, type Tracker } from "../src/index.js";

track("page_viewed");
track("asset_viewed", { position: 3 }, { ip_asset_id: "a-1" });
track("license_clicked", { price_cents: 1299, currency: "EUR" });
page({ title: "Home" }, { project_id: "p-1" });

// @ts-expect-error  no such event
track("asset_view");
// @ts-expect-error  a count is a number
track("asset_viewed", { position: "3" });
// @ts-expect-error  no such prop
track("asset_viewed", { positon: 3 });
// @ts-expect-error  no such entity
track("asset_viewed", {}, { asset: "a-1" });
// @ts-expect-error  a title is text
page({ title: 5 });

// A plan of one's own, as `eventmill plan types typescript` writes it, with a prop that is required.
interface OwnProps {
  asset_shared: { network: string; url?: string; [other: string]: unknown };
}
declare const own: Tracker<OwnProps>;
own.track("asset_shared", { network: "mail" });
// @ts-expect-error  network is required
own.track("asset_shared");
// @ts-expect-error  and so is it here
own.track("asset_shared", { url: "https://shop.example" });
// @ts-expect-error  not in this plan
own.track("asset_viewed");
