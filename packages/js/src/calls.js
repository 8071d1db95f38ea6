import { errorOf, jsonOf, unexpected, unreachable } from "./error.js";

// How long others may wait for a request.
const TIMEOUT_MS = 30_000;
// What a proxy answers that has lost the service's own answer.
const ANSWER_LOST = [502, 504];
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

/** Post JSON, and return the answer or the error. No redirect is followed: passwords go to this address alone. */
export async function sent(fetch, address, body, options) {
  const { credentials, accessToken, timeout = TIMEOUT_MS, keepalive, aborting = new AbortController() } = options;
  const timer = setTimeout(() => aborting.abort(), timeout);
  const json = body && { "Content-Type": "application/json" };
  const bearer = accessToken && { Authorization: `Bearer ${accessToken}` };
  try {
    const answer = await fetch(address, {
      method: "POST",
      headers: { Accept: "application/json", ...json, ...bearer },
      body: body && JSON.stringify(body),
      credentials,
      redirect: "error",
      signal: aborting.signal,
      keepalive,
    });
    const { status, ok } = answer;
    return ok ? { status, ok, data: await jsonOf(answer) } : { status, ok, error: await errorOf(answer) };
  } catch (cause) {
    throw unreachable(cause);
  } finally {
    clearTimeout(timer);
  }
}

/** Ask the service by the `fetch` of a client, and return its JSON or throw the error: POST where there is a body. */
export async function asked(fetch, path, body, options) {
  const headers = { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) };
  const init = { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), redirect: "error", ...options };
  const answer = await fetch(path, init).catch((cause) => {
    throw unreachable(cause);
  });
  if (!answer.ok) throw await errorOf(answer);
  const data = await jsonOf(answer);
  if (!data) throw unexpected(answer.status);
  return data;
}

/** Send once more where no answer comes; null if late. */
export async function sentTwice(send, isLate) {
  for (let isLast = false; ; isLast = true) {
    try {
      const answer = await send();
      if (isLast || !ANSWER_LOST.includes(answer.status)) return answer;
    } catch (error) {
      if (isLate()) return null;
      if (isLast) throw error;
    }
  }
}

/** Has a person asked to prove who they are, once for all calls that want it. */
export class StepUp {
  #ask;
  #asking = null;
  // Counts the proofs.
  turn = 0;

  constructor(ask) {
    this.#ask = ask;
  }

  /** Return whether they have, after an answer that wants it (RFC 9470), to a call that was sent at this turn. */
  async after(answer, turn) {
    if (!this.#ask || answer.status !== 401) return false;
    const error = await errorOf(answer.clone());
    if (error.code !== "step_up_required") return false;
    if (turn !== this.turn) return true;
    return (this.#asking ??= this.#prove(error).finally(() => {
      this.#asking = null;
    }));
  }

  async #prove(error) {
    const isProved = (await this.#ask(error)) === true;
    if (isProved) this.turn += 1;
    return isProved;
  }
}
