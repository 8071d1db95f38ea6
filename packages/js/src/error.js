export const STREAM = {
  code: "stream_not_repeated",
  message: "The session is refreshed. Send it again with a new body: a stream can be read once.",
};
export const COOKIES_ONLY = {
  code: "tokens_in_cookies",
  message: 'The service gives tokens in cookies alone: use transport "cookie".',
};

export class GatepostError extends Error {
  constructor(problem, { status = 0, retryAfter = null, cause } = {}) {
    problem ??= {};
    const { code = "failed", title = "", detail, message = detail?.trim?.(), errors = [], requestId = "" } = problem;
    const { pendingToken, methods, expiresIn, maxAge, acrValues } = problem;
    super(message || title || `The service answered ${status}.`, { cause });
    Object.assign(this, { name: "GatepostError", status, code, title, errors, requestId, retryAfter, problem });
    Object.assign(this, { pendingToken, methods, expiresIn, maxAge, acrValues });
  }
}

export async function errorOf(answer) {
  const { status, headers } = answer;
  const problem = await jsonOf(answer).catch(() => null);
  return new GatepostError(problem, { status, retryAfter: seconds(headers.get("Retry-After")) });
}

/** Return the error for a request that got no answer; one of ours is told as it is. */
export function unreachable(cause) {
  if (cause instanceof GatepostError) return cause;
  return new GatepostError({ code: "unreachable", message: "The service cannot be reached." }, { cause });
}

/** Return the error for an answer that is not of the service. */
export function unexpected(status) {
  const message = "The answer is not Gatepost's: does baseUrl lead there?";
  return new GatepostError({ code: "unexpected_answer", message }, { status });
}

/** Return the object that an answer holds as JSON, or null. FastAPI has it in `detail`. */
export async function jsonOf(answer) {
  if (!/\bjson\b/.test(answer.headers.get("Content-Type") ?? "")) return null;
  const text = await answer.text();
  try {
    const body = Object(JSON.parse(text));
    return body.detail?.code ? body.detail : body;
  } catch {
    return null;
  }
}

function seconds(retryAfter) {
  const value = /^\d+$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isFinite(value) ? Math.max(1, value) : null;
}
