import { jsonOf } from "./error.js";

// Refusals of an access token, all with 401. A refresh mends them, or tells that the session has ended.
export const TOKEN_REFUSED = ["token_missing", "token_invalid", "token_expired", "token_revoked", "token_stale"];

/** Whether an answer refuses the access token, ours or that of a service which verifies our tokens (RFC 6750). */
export async function isTokenRefused(answer) {
  if (answer.status !== 401) return false;
  const body = await jsonOf(answer.clone());
  const code = body?.code ?? body?.detail?.code;
  if (code) return TOKEN_REFUSED.includes(code);
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

/** Tell a listener; one that throws keeps nobody else from hearing. */
export function tell(listener, user) {
  try {
    listener(user);
  } catch (error) {
    queueMicrotask(() => {
      throw error;
    });
  }
}

/** Do something while no other tab does, under a name. Locks exist on https and localhost, and not in every frame. */
export async function alone(name, work) {
  const locks = globalThis.navigator?.locks;
  if (!locks) return work();
  let isBegun = false;
  const begin = () => {
    isBegun = true;
    return work();
  };
  try {
    return await locks.request(name, begin);
  } catch (error) {
    if (isBegun) throw error;
    return work();
  }
}
