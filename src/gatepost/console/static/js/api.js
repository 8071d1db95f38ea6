// The public API, with the tokens in cookies that no script can read.

const REFRESHED_AT = "gatepost.refreshed-at";

/** A refusal: the API's problem, or `code` "unreachable" where no answer came. */
export class Problem extends Error {
  constructor({ status = 0, code = "failed", message = "", errors = [], requestId = "" }, retryAfter = null) {
    super(message);
    Object.assign(this, { status, code, errors, requestId, retryAfter });
  }
}

/** Set by pages that need a person: what to do when the session has ended. */
export const hooks = { signedOut() {} };

/**
 * Call the API and return its JSON, or its text, or null.
 *
 * A 401 is answered by one refresh and one more try. With `isPublic`, as for signing in, it is the answer.
 * Throws a Problem.
 */
export async function call(method, path, { body, isPublic = false, headers = {} } = {}) {
  const startedAt = Date.now();
  let answer = await send(method, path, { body, headers });
  if (answer.status === 401 && !isPublic) {
    if (await refresh(startedAt)) answer = await send(method, path, { body, headers });
    if (answer.status === 401) hooks.signedOut();
  }
  if (!answer.ok) throw await problem(answer);
  if (answer.status === 204) return null;
  return isJson(answer) ? answer.json() : answer.text();
}

export const get = (path, options) => call("GET", path, options);
export const post = (path, body, options) => call("POST", path, { body, ...options });
export const put = (path, body, options) => call("PUT", path, { body, ...options });
export const patch = (path, body, options) => call("PATCH", path, { body, ...options });
export const remove = (path, body, options) => call("DELETE", path, { body, ...options });

/** Get tokens that know the account as it is now, after a change of its name. */
export const renew = () => refresh(Date.now());

let refreshing = null;

/** Exchange the refresh cookie; however many calls and tabs find the access token expired, it happens once. */
function refresh(startedAt) {
  refreshing ??= alone(() => exchange(startedAt)).finally(() => { refreshing = null; });
  return refreshing;
}

async function exchange(startedAt) {
  // Another tab may have done it while this one waited.
  if (Number(localStorage.getItem(REFRESHED_AT)) > startedAt) return true;
  const answer = await send("POST", "/api/auth/refreshtoken", {});
  if (answer.ok) {
    localStorage.setItem(REFRESHED_AT, Date.now());
    return true;
  }
  if (answer.status === 429 || answer.status >= 500) throw await problem(answer);
  return false;
}

function alone(work) {
  // Locks between tabs exist on https and on localhost; elsewhere the service's grace time is enough.
  return navigator.locks ? navigator.locks.request(REFRESHED_AT, work) : work();
}

async function send(method, path, { body, headers = {} }) {
  const init = { method, credentials: "same-origin", headers: { Accept: "application/json", ...headers } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers["Content-Type"] = "application/json";
  }
  try {
    return await fetch(path, init);
  } catch {
    throw new Problem({ code: "unreachable" });
  }
}

async function problem(answer) {
  const body = isJson(answer) ? await answer.json().catch(() => ({})) : {};
  return new Problem({ ...body, status: answer.status }, seconds(answer.headers.get("Retry-After")));
}

function isJson(answer) {
  return /\bjson\b/.test(answer.headers.get("Content-Type") ?? "");
}

function seconds(retryAfter) {
  if (retryAfter === null) return null;
  const value = /^\d+$/.test(retryAfter) ? Number(retryAfter) : (Date.parse(retryAfter) - Date.now()) / 1000;
  return Number.isFinite(value) ? Math.max(1, value) : null;
}
