import type { Problem } from "./schema.js";

/** What the API, or something on the way to it, answered instead of data. */
export class ProblemError extends Error {
  override readonly name = "ProblemError";
  readonly status: number;
  /** What went wrong, as the API says it (RFC 9457); `errors` names each wrong parameter. */
  readonly problem: Problem;
  /** After how many seconds it is worth asking again, if the answer says so. */
  readonly retryAfterSeconds: number | undefined;

  constructor(response: Response, body: unknown) {
    const problem = isProblem(body) ? body : unknownProblem(response);
    super(problem.detail);
    this.status = response.status;
    this.problem = problem;
    const seconds = Number.parseInt(response.headers.get("Retry-After") ?? "", 10);
    this.retryAfterSeconds = Number.isNaN(seconds) ? undefined : seconds;
  }
}

function isProblem(body: unknown): body is Problem {
  return typeof body === "object" && body !== null && "detail" in body && "status" in body;
}

/** For answers that are not the API's: a proxy's page, for example. */
function unknownProblem({ status, statusText }: Response): Problem {
  const title = statusText || "Unexpected answer";
  return { type: "about:blank", title, status, detail: `${status} ${title}` };
}

interface Called<Data> {
  data?: Data;
  error?: unknown;
  response: Response;
}

/** The data of a call. Throws a ProblemError when the API answers anything else. */
export async function data<Data>(call: Promise<Called<Data>>): Promise<Data> {
  const { data, error, response } = await call;
  if (!response.ok) throw new ProblemError(response, error);
  return data as Data;
}
