// Calls the public API; the tokens are in cookies that scripts cannot read.

import { createClient, errorOf } from "./client/client.js";
import { unreachable } from "./client/error.js";

/** The client, which other apps use too. */
export const client = createClient({
  // Loaded on first use; most pages never need it.
  stepUp: async (problem) => (await import("./step-up.js")).prove(problem),
});

let isCleared = false;

/** Drop the answers to pending requests, because the page no longer shows anything of its person. */
export function dropAnswers() {
  isCleared = true;
}

/**
 * Call the API and return its JSON, or its text, or null.
 *
 * Throws a GatepostError: the API's problem, or `code` "unreachable" if there was no answer. Never returns after the
 * page was cleared.
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
