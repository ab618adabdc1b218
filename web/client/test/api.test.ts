/** The built client against a running API; the environment says where it is and what is in it. */
import assert from "node:assert/strict";
import { test } from "node:test";

import { createDashboards, data, ProblemError } from "@eventmill/dashboards";
import type { AssetMetrics, Metrics, QueryRequest } from "@eventmill/dashboards";

function given(name: string): string {
  const value = process.env[name];
  assert.ok(value, `${name} is not set`);
  return value;
}

const baseUrl = given("DASHBOARDS_URL");
const asset_id = given("ASSET");
const stranger = given("STRANGERS_TOKEN");
const creator = createDashboards({ baseUrl, token: given("CREATORS_TOKEN") });
const admin = createDashboards({ baseUrl, token: given("ADMINS_TOKEN") });
const path = "/v1/assets/{asset_id}/metrics";

async function problemOf(call: Promise<unknown>): Promise<ProblemError> {
  const error = await call.then(() => undefined, (reason: unknown) => reason);
  assert.ok(error instanceof ProblemError, `no problem: ${String(error)}`);
  return error;
}

test("an asset's numbers, typed", async () => {
  const query = { period: "7d", interval: "week", compare: "previous" } as const;
  const metrics: AssetMetrics = await data(creator.GET(path, { params: { path: { asset_id }, query } }));
  assert.equal(metrics.asset_id, asset_id);
  assert.equal(metrics.totals.views, Number(given("VIEWS")));
  assert.equal(metrics.range.interval, "week");
  assert.equal(metrics.previous?.totals.views, 0);
  const sum = metrics.series.reduce((views, point) => views + point.views, 0);
  assert.equal(sum, metrics.totals.views);
});

test("the platform's numbers, as an admin", async () => {
  const { totals, growth } = await data(admin.GET("/v1/platform/metrics"));
  const names = Object.keys(totals) as (keyof Metrics)[];
  assert.ok(names.includes("revenue_cents"));
  assert.equal(growth.views, null);
});

test("what is not one's own is a typed problem", async () => {
  const client = createDashboards({ baseUrl, token: () => Promise.resolve(stranger) });
  const problem = await problemOf(data(client.GET(path, { params: { path: { asset_id } } })));
  assert.equal(problem.status, 404);
  assert.equal(problem.problem.title, "Not found");
  assert.equal(problem.message, problem.problem.detail);
  assert.equal((await problemOf(data(client.GET("/v1/platform/metrics")))).status, 403);
});

test("a wrong parameter is named, and the compiler refuses it", async () => {
  const problem = await problemOf(
    // @ts-expect-error: no such period
    data(creator.GET(path, { params: { path: { asset_id }, query: { period: "7 days" } } })),
  );
  assert.equal(problem.status, 422);
  assert.deepEqual(problem.problem.errors?.map(({ field }) => field), ["period"]);
  // @ts-expect-error: the id is missing
  await problemOf(data(creator.GET(path)));
  // @ts-expect-error: no such path
  assert.equal((await problemOf(data(creator.GET("/v1/nothing")))).status, 404);
});

test("without data() the problem is a value", async () => {
  const client = createDashboards({ baseUrl, token: "none" });
  const { data: nothing, error, response } = await client.GET("/v1/platform/metrics");
  assert.equal(nothing, undefined);
  assert.equal(error?.status, 401);
  assert.ok(response.headers.get("WWW-Authenticate"));
});

test("the token is asked for before each call", async () => {
  const tokens = [stranger, given("CREATORS_TOKEN")];
  const client = createDashboards({ baseUrl, token: () => tokens.shift() ?? "" });
  const call = () => data(client.GET(path, { params: { path: { asset_id } } }));
  assert.equal((await problemOf(call())).status, 404);
  assert.equal((await call()).asset_id, asset_id);
});

test("what is unchanged comes as 304, and is the same", async () => {
  const statuses: number[] = [];
  const counted = async (request: Request) => {
    const response = await fetch(request);
    statuses.push(response.status);
    return response;
  };
  const client = createDashboards({ baseUrl, token: given("CREATORS_TOKEN"), fetch: counted });
  // Days that are over and built: nobody adds anything to them meanwhile.
  const day = given("BUILT_DAY");
  const query = { start: day, end: day };
  const call = () => data(client.GET(path, { params: { path: { asset_id }, query } }));
  const first = await call();
  assert.deepEqual((await call()).series, first.series);
  assert.deepEqual(statuses, [200, 304]);
});

test("a question of one's own", async () => {
  const body: QueryRequest = {
    metrics: ["views"],
    dimensions: ["asset"],
    filters: [{ field: "asset", op: "is", value: asset_id }],
    date_range: { period: "7d" },
  };
  const { rows } = await data(creator.POST("/v1/query", { body }));
  assert.deepEqual(rows, [{ asset: asset_id, views: Number(given("VIEWS")) }]);
  const refused = data(creator.POST("/v1/query", { body: { ...body, metrics: ["veiws"] } }));
  assert.match((await problemOf(refused)).message, /Did you mean 'views'/);
});
