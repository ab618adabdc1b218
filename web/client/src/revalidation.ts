import type { Middleware } from "openapi-fetch";

interface Kept {
  etag: string;
  body: string;
  headers: Headers;
}

/**
 * Asks for an answer that it has already with the answer's ETag, and returns the kept one when the
 * API says that nothing changed (304). `most` answers are kept, the last used ones.
 */
export function revalidation(most: number): Middleware {
  const kept = new Map<string, Kept>();
  // An answer that is asked for stays at hand, whatever is forgotten in the meantime.
  const asked = new Map<string, Kept>();
  return {
    onRequest({ id, request }) {
      const before = kept.get(key(request));
      if (before === undefined || request.headers.has("If-None-Match")) return;
      asked.set(id, before);
      request.headers.set("If-None-Match", before.etag);
    },

    async onResponse({ id, request, response }) {
      const before = asked.get(id);
      asked.delete(id);
      if (response.status === 304 && before !== undefined) {
        remember(kept, key(request), before, most);
        return new Response(before.body, { status: 200, headers: before.headers });
      }
      const etag = response.headers.get("ETag");
      if (request.method === "GET" && response.status === 200 && etag !== null) {
        const body = await response.clone().text();
        remember(kept, key(request), { etag, body, headers: response.headers }, most);
      }
      return undefined;
    },

    onError({ id }) {
      asked.delete(id);
    },
  };
}

/** Another person's token is another key: nobody is shown what was kept for somebody else. */
function key({ method, url, headers }: Request): string {
  return [method, url, headers.get("Authorization")].join("\n");
}

function remember(kept: Map<string, Kept>, name: string, answer: Kept, most: number): void {
  kept.delete(name); // a Map is in the order of insertion: the last used is last
  kept.set(name, answer);
  for (const oldest of kept.keys()) {
    if (kept.size <= most) break;
    kept.delete(oldest);
  }
}
