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
function clientOf({ isAway = false, user = ABBEY } = {}) {
  const service = { isAway, user };
  const fetch = async (address) => {
    if (service.isAway) throw new TypeError("away");
    if (address.endsWith("/signout")) return new Response(null, { status: 204 });
    return service.user ? Response.json(service.user) : Response.json({ code: "token_missing" }, { status: 401 });
  };
  return { service, gatepost: createClient({ baseUrl: "http://localhost", storage: null, fetch }) };
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
