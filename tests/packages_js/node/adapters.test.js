// With the real React and Vue, which lie beside a copy of this file.
import assert from "node:assert/strict";
import { test } from "node:test";
import { act, createElement } from "react";
import { create } from "react-test-renderer";
import { renderToString } from "react-dom/server";
import { effectScope, nextTick } from "vue";
import { createClient } from "@gatepost/client";
import { useSession as useReact } from "@gatepost/client/react";
import { useSession as useVue } from "@gatepost/client/vue";

globalThis.IS_REACT_ACT_ENVIRONMENT = true;
const ABBEY = { id: 1, username: "Abbey", email: "abbey@example.com", roles: ["ROLE_USER"] };

/** A client by cookies whose service is away at first. */
function clientOf({ isAway = false, user = ABBEY, storage = null } = {}) {
  const service = { isAway, user };
  const fetch = async (address) => {
    if (service.isAway) throw new TypeError("away");
    if (address.endsWith("/signout")) return new Response(null, { status: 204 });
    if (address.includes("/signin")) return Response.json({ ...ABBEY, tokenType: "Bearer" });
    return service.user ? Response.json(service.user) : Response.json({ code: "token_missing" }, { status: 401 });
  };
  return { service, gatepost: createClient({ baseUrl: "http://localhost", storage, fetch }) };
}

function Shown({ gatepost, log }) {
  const session = useReact(gatepost);
  log.push(session);
  return session.user === undefined ? "?" : (session.user?.username ?? "nobody");
}

test("React shows who is signed in, as it changes, and an error with a way on", async () => {
  const { service, gatepost } = clientOf({ isAway: true });
  const log = [];
  assert.equal(renderToString(createElement(Shown, { gatepost, log })), "?");
  let shown;
  await act(async () => (shown = create(createElement(Shown, { gatepost, log }))));
  assert.equal(shown.toJSON(), "?");
  assert.equal(log.at(-1).error.code, "unreachable");
  service.isAway = false;
  await act(() => log.at(-1).reload());
  assert.equal(shown.toJSON(), "Abbey");
  assert.equal(log.at(-1).error, null);
  await act(() => gatepost.signOut());
  assert.equal(shown.toJSON(), "nobody");
  await act(async () => shown.unmount());
  const before = log.length;
  await gatepost.session();
  assert.equal(log.length, before);
});

test("Vue shows who is signed in, as it changes, and an error with a way on", async () => {
  const { service, gatepost } = clientOf({ isAway: true });
  const scope = effectScope();
  const { user, error, reload } = scope.run(() => useVue(gatepost));
  assert.equal(user.value, undefined);
  await gatepost.session().catch(() => {});
  await nextTick();
  assert.equal(error.value.code, "unreachable");
  service.isAway = false;
  await reload();
  assert.equal(user.value.username, "Abbey");
  assert.equal(error.value, null);
  await gatepost.signOut();
  assert.equal(user.value, null);
  scope.stop();
  await gatepost.session();
  assert.equal(user.value, null);
  assert.equal(gatepost.user.username, "Abbey");
});

test("an error is gone once somebody has signed in", async () => {
  const { service, gatepost } = clientOf({ isAway: true });
  const log = [];
  const scope = effectScope();
  const vue = scope.run(() => useVue(gatepost));
  await act(async () => create(createElement(Shown, { gatepost, log })));
  assert.deepEqual([log.at(-1).error.code, vue.error.value.code], ["unreachable", "unreachable"]);
  service.isAway = false;
  await act(() => gatepost.signIn({ username: "Abbey", password: "correct horse" }));
  assert.deepEqual([log.at(-1).user.username, vue.user.value.username], ["Abbey", "Abbey"]);
  assert.deepEqual([log.at(-1).error, vue.error.value], [null, null]);
  scope.stop();
});

test("a sign-in in another tab that cannot be looked at is an error, and not a wait without end", async (t) => {
  const heard = [];
  globalThis.addEventListener = (kind, listener) => heard.push(listener);
  t.after(() => delete globalThis.addEventListener);
  const kept = new Map();
  const storage = { getItem: (key) => kept.get(key) ?? null, setItem: (key, text) => kept.set(key, text), removeItem: (key) => kept.delete(key) };
  const { service, gatepost } = clientOf({ user: null, storage });
  const log = [];
  const scope = effectScope();
  const vue = scope.run(() => useVue(gatepost));
  await act(async () => create(createElement(Shown, { gatepost, log })));
  assert.deepEqual([log.at(-1).user, vue.user.value], [null, null]);

  service.isAway = true;
  const key = "gatepost:http://localhost";
  await act(async () => {
    kept.set(key, JSON.stringify({ signIn: "0.1", mark: "0.2" }));
    heard.forEach((listener) => listener({ key }));
  });

  assert.deepEqual([log.at(-1).user, vue.user.value], [undefined, undefined]);
  assert.deepEqual([log.at(-1).error.code, vue.error.value.code], ["unreachable", "unreachable"]);
  scope.stop();
});
