/** What is sent and kept, against a server that says what it was asked. */
import assert from "node:assert/strict";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { test, type TestContext } from "node:test";

import { createDashboards, data, ProblemError } from "@eventmill/dashboards";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

async function serve(t: TestContext, answer: Answer): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** A server whose answers never change; the statuses that it sent. */
async function unchanging(t: TestContext): Promise<{ baseUrl: string; statuses: number[] }> {
  const statuses: number[] = [];
  const baseUrl = await serve(t, (request, response) => {
    const etag = `"${request.url}"`;
    const status = request.headers["if-none-match"] === etag ? 304 : 200;
    statuses.push(status);
    response.writeHead(status, { ETag: etag, "Content-Type": "application/json" });
    response.end(status === 200 ? JSON.stringify({ asked: request.url }) : undefined);
  });
  return { baseUrl, statuses };
}

const PLATFORM = "/v1/platform/metrics";

test("what is unchanged is not sent again, and is the same for the caller", async (t) => {
  const { baseUrl, statuses } = await unchanging(t);
  const client = createDashboards({ baseUrl, token: "a" });
  const first = await data(client.GET(PLATFORM));
  assert.deepEqual(await data(client.GET(PLATFORM)), first);
  assert.deepEqual(await data(client.GET(PLATFORM)), first);
  assert.deepEqual(statuses, [200, 304, 304]);
  const week = { params: { query: { period: "7d" } } } as const;
  assert.notDeepEqual(await data(client.GET(PLATFORM, week)), first);
  assert.deepEqual(statuses.slice(3), [200]);
});

test("what was kept for one token is not shown to another", async (t) => {
  const { baseUrl, statuses } = await unchanging(t);
  let token = "a";
  const client = createDashboards({ baseUrl, token: () => token });
  await data(client.GET(PLATFORM));
  token = "b";
  await data(client.GET(PLATFORM));
  assert.deepEqual(statuses, [200, 200]);
});

test("only the last used answers are kept", async (t) => {
  const { baseUrl, statuses } = await unchanging(t);
  const client = createDashboards({ baseUrl, token: "a", keep: 2 });
  const periods = ["7d", "30d", "7d", "90d", "7d", "30d"] as const;
  for (const period of periods) await data(client.GET(PLATFORM, { params: { query: { period } } }));
  assert.deepEqual(statuses, [200, 200, 304, 200, 304, 200]);
});

test("a 304 that the caller asked for is the caller's", async (t) => {
  const { baseUrl } = await unchanging(t);
  const client = createDashboards({ baseUrl, token: "a" });
  await data(client.GET(PLATFORM));
  const headers = { "If-None-Match": `"${PLATFORM}"` };
  const { response } = await client.GET(PLATFORM, { headers });
  assert.equal(response.status, 304);
});

test("an answer of something in between is a problem too", async (t) => {
  const baseUrl = await serve(t, (_, response) => {
    response.writeHead(503, { "Retry-After": "7", "Content-Type": "text/html" });
    response.end("<h1>Be right back</h1>");
  });
  const client = createDashboards({ baseUrl, token: "a" });
  await assert.rejects(data(client.GET(PLATFORM)), (error) => {
    assert.ok(error instanceof ProblemError);
    assert.equal(error.status, 503);
    assert.equal(error.retryAfterSeconds, 7);
    assert.match(error.message, /^503 /);
    return true;
  });
});

test("ids are encoded, whatever is in them", async (t) => {
  const asked: (string | undefined)[] = [];
  const baseUrl = await serve(t, (request, response) => {
    asked.push(request.url);
    response.writeHead(200, { "Content-Type": "application/json" }).end("{}");
  });
  const client = createDashboards({ baseUrl: `${baseUrl}/`, token: "a" });
  const params = { path: { asset_id: "a/b ü?&" } };
  await client.GET("/v1/assets/{asset_id}/metrics", { params });
  assert.deepEqual(asked, ["/v1/assets/a%2Fb%20%C3%BC%3F%26/metrics"]);
});
