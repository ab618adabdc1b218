import createClient, { type Client } from "openapi-fetch";

import { revalidation } from "./revalidation.js";
import type { paths } from "./schema.js";

export interface DashboardsOptions {
  /** Where the API answers, such as `https://dashboards.example.com`. */
  baseUrl: string;
  /** The bearer token, or what returns the one to use: it is asked before each call. */
  token: string | (() => string | Promise<string>);
  /** How many answers with an ETag are kept, so that what is unchanged is not sent again. */
  keep?: number;
  /** Instead of the global `fetch`. */
  fetch?: (request: Request) => Promise<Response>;
}

/** `GET`, `POST` and the others, with the paths, parameters and answers of the API. */
export type Dashboards = Client<paths>;

export function createDashboards(options: DashboardsOptions): Dashboards {
  const { baseUrl, token, keep = 100, fetch } = options;
  const client = createClient<paths>({ baseUrl, ...(fetch && { fetch }) });
  client.use({
    async onRequest({ request }) {
      const current = typeof token === "function" ? await token() : token;
      request.headers.set("Authorization", `Bearer ${current}`);
    },
  });
  client.use(revalidation(keep));
  return client;
}
