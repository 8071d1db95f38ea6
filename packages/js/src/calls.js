import { jsonOf } from "./error.js";

// Refusals of an access token, with 401. A refresh mends them, or tells that the session has ended.
export const TOKEN_REFUSED = /^token_(missing|invalid|expired|revoked|stale)$/;

/** Whether an answer refuses the access token, ours or that of a service which verifies our tokens (RFC 6750). */
export async function isTokenRefused(answer) {
  if (answer.status !== 401) return false;
  const body = await jsonOf(answer.clone());
  if (body?.code) return TOKEN_REFUSED.test(body.code);
  return /^bearer\b(?!.*insufficient)/i.test(answer.headers.get("WWW-Authenticate") ?? "");
}

/** Whether a body can be sent only once. */
export function isStream(body) {
  return typeof body?.getReader === "function" || typeof body?.[Symbol.asyncIterator] === "function";
}

/** Wait for a promise, and no longer than the signal of the call lets. */
export function abortable(promise, signal) {
  if (!signal) return promise;
  return new Promise((resolve, reject) => {
    const abort = () => reject(signal.reason);
    if (signal.aborted) abort();
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}
