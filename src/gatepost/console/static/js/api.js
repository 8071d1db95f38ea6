// The public API, with the tokens in cookies that no script can read.

import { createClient, errorOf } from "./client/client.js";
import { unreachable } from "./client/error.js";

/** Who is signed in: the client that other apps use, too. */
export const client = createClient({
  // Loaded when it is wanted first: on most pages it never is.
  stepUp: async (problem) => (await import("./step-up.js")).prove(problem),
});

let isCleared = false;

/** Keep answers that are still under way from a page that shows nothing of its person any more. */
export function dropAnswers() {
  isCleared = true;
}

/**
 * Call the API and return its JSON, or its text, or null.
 *
 * Throws a GatepostError: the API's problem, or `code` "unreachable" where no answer came. Never returns once the page
 * has been cleared.
 */
export async function call(...request) {
  try {
    return await send(...request);
  } finally {
    if (isCleared) await new Promise(() => {});
  }
}

async function send(method, path, { body, headers = {} } = {}) {
  const init = { method, headers: { Accept: "application/json", ...headers } };
  if (body !== undefined) {
    init.body = JSON.stringify(body);
    init.headers["Content-Type"] = "application/json";
  }
  const answer = await client.fetch(path, init).catch((cause) => {
    throw unreachable(cause);
  });
  if (!answer.ok) throw await errorOf(answer);
  if (answer.status === 204) return null;
  return /\bjson\b/.test(answer.headers.get("Content-Type")) ? answer.json() : answer.text();
}

export const get = (path, options) => call("GET", path, options);
export const post = (path, body, options) => call("POST", path, { body, ...options });
export const put = (path, body, options) => call("PUT", path, { body, ...options });
export const patch = (path, body, options) => call("PATCH", path, { body, ...options });
export const remove = (path, body, options) => call("DELETE", path, { body, ...options });
