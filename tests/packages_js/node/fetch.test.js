import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { errorOf } from "../../../packages/js/src/client.js";
import {
  account, client, control, expire, FOREVER, memory, signedIn, spoil, timeouts, URL_OF_SERVICE, withStranger,
} from "./support.js";

const PROFILE = "/api/users/me";
const json = { "Content-Type": "application/json" };

test("tokens go to the service and to the origins that are listed, and nowhere else", async () => {
  const sent = await withStranger(async (stranger) => {
    const port = new URL(stranger).host;
    const gatepost = await signedIn();
    const addresses = [`${stranger}/plain`, new URL(`${stranger}/url`), new Request(`${stranger}/request`), `//${port}/relative`];
    for (const address of addresses) assert.equal((await gatepost.fetch(address)).status, 200);
    // These look like another host, and are paths of the service.
    for (const path of [`/\\${port}/`, `/@${port}/`]) assert.equal((await gatepost.fetch(path)).status, 404, path);
    // A refusal of a stranger starts no refresh.
    await control("calls");
    assert.equal((await gatepost.fetch(`${stranger}/refuse`)).status, 401);
    assert.deepEqual(await control("calls"), []);

    const friend = await signedIn({ origins: [stranger] });
    assert.equal((await friend.fetch(`${stranger}/friend`)).status, 200);
    // Another service that refuses the token as RFC 6750 has it: one refresh, and one more try.
    assert.equal((await friend.fetch(`${stranger}/refuse`)).status, 401);
    assert.deepEqual(await control("calls"), ["200 /api/auth/refreshtoken"]);
  });
  const isShown = sent.map(({ url, headers }) => `${url} ${/^Bearer ey/.test(headers.authorization ?? "")}`);
  assert.deepEqual(isShown, [
    "/plain false", "/url false", "/request false", "/relative false", "/refuse false",
    "/friend true", "/refuse true", "/refuse true",
  ]);
});

test("a redirect takes neither tokens nor passwords to a stranger", async () => {
  const abbey = account();
  const sent = await withStranger(async (stranger) => {
    const gatepost = await signedIn();
    assert.equal((await gatepost.fetch(`/control/redirect?to=${stranger}/followed`)).status, 200);

    const redirects = (path, init) =>
      /refreshtoken|sign/.test(path) ? fetch(`${URL_OF_SERVICE}/control/redirect?to=${stranger}/stolen`, init) : fetch(path, init);
    const fooled = client({ fetch: redirects, storage: memory() });
    for (const work of [() => fooled.signUp(abbey), () => fooled.signIn(abbey)]) {
      assert.equal((await work().catch((error) => error)).code, "unreachable");
    }
  });
  assert.deepEqual(sent.map(({ url, headers, body }) => [url, headers.authorization, body]), [["/followed", undefined, ""]]);
});

test("a base with a path and slashes at its end is one below which addresses lie", async () => {
  for (const baseUrl of [`${URL_OF_SERVICE}/below/auth`, new URL(`${URL_OF_SERVICE}/below/auth//?x#y`)]) {
    const asked = [];
    const gatepost = client({ baseUrl, fetch: (...sent) => asked.push(String(sent[0])) && fetch(...sent) });
    await gatepost.signUp(account());
    await expire();
    assert.equal((await gatepost.fetch("/api/test/user")).status, 200);
    assert.equal((await gatepost.fetch("api/test/user")).status, 200);
    assert.ok(asked.every((address) => address.startsWith(`${URL_OF_SERVICE}/below/auth/api/`)), String(asked));
  }
});

test("bodies are sent again after a refresh, whatever they are but streams", async () => {
  const gatepost = await signedIn();
  const text = '{"language": "de"}';
  const bodies = [text, new Blob([text]), new TextEncoder().encode(text)];
  const calls = [
    ...bodies.map((body) => [PROFILE, { method: "PATCH", headers: json, body }]),
    [new Request(URL_OF_SERVICE + PROFILE, { method: "PATCH", headers: json, body: text })],
    [new Request(URL_OF_SERVICE + PROFILE, { method: "PATCH", headers: json, body: new Blob([text]).stream(), duplex: "half" })],
  ];
  for (const call of calls) {
    await expire();
    const answer = await gatepost.fetch(...call);
    assert.equal((await answer.json()).language, "de");
  }
});

test("a stream is not sent again: the error says so, and the session is refreshed", async () => {
  const gatepost = await signedIn();
  const streams = [
    () => new Blob(['{"language": "de"}']).stream(),
    async function* () {
      yield new TextEncoder().encode('{"language": "de"}');
    },
  ];
  for (const stream of streams) {
    const patch = () => gatepost.fetch(PROFILE, { method: "PATCH", headers: json, body: stream(), duplex: "half" });
    await expire();
    assert.equal((await patch().catch((error) => error)).code, "stream_not_repeated");
    assert.equal((await patch()).status, 200);
  }
});

test("a call is repeated once at most", async () => {
  const sent = [];
  const gatepost = await signedIn({
    fetch: async (address, init) => {
      if (!String(address).endsWith("/api/test/user")) return fetch(address, init);
      sent.push(address);
      return Response.json({ code: "token_expired" }, { status: 401 });
    },
  });
  const answer = await gatepost.fetch("/api/test/user");
  assert.equal((await answer.json()).code, "token_expired");
  assert.equal(sent.length, 2);
});

test("only a refused token starts a refresh", async () => {
  const answers = [
    Response.json({ code: "step_up_required" }, { status: 401, headers: { "WWW-Authenticate": 'Bearer error="invalid_token"' } }),
    new Response("", { status: 401, headers: { "WWW-Authenticate": 'Bearer error="insufficient_user_authentication"' } }),
    new Response("", { status: 401, headers: { "WWW-Authenticate": "Basic" } }),
    new Response("", { status: 401 }),
    Response.json({ code: "token_expired" }, { status: 403 }),
  ];
  for (const answer of answers) {
    const gatepost = await signedIn({
      fetch: (address, init) => (String(address).endsWith("/orders") ? answer : fetch(address, init)),
    });
    assert.equal(await gatepost.fetch("/orders"), answer);
    assert.deepEqual(await control("calls"), []);
  }
});

test("a caller that gives up is not kept waiting by a refresh, and the refresh goes on for the others", async (t) => {
  timeouts(t);
  const gatepost = await signedIn({ refreshTimeout: FOREVER });
  await expire();
  await spoil("/api/auth/refreshtoken", "held");
  const giving = new AbortController();
  const gone = gatepost.fetch("/api/test/user", { signal: giving.signal }).catch((error) => error);
  const waiting = gatepost.fetch("/api/test/user");
  await control("reached");
  giving.abort();
  assert.equal((await gone).name, "AbortError");
  await control("release");
  assert.equal((await waiting).status, 200);
});

test("headers and an Authorization of the caller's own are left alone", async () => {
  const seen = [];
  const gatepost = await signedIn({
    fetch: async (address, init) => {
      seen.push(Object.fromEntries(new Headers(init?.headers)));
      return fetch(address, init);
    },
  });
  seen.length = 0;
  await gatepost.fetch("/api/test/user", { headers: [["X-Mine", "1"]] });
  assert.equal(seen[0]["x-mine"], "1");
  assert.match(seen[0].authorization, /^Bearer ey/);
  const mine = await gatepost.fetch("/api/test/user", { headers: { Authorization: "Bearer mine" } });
  assert.equal(mine.status, 401);
  assert.deepEqual(seen.slice(1).map(({ authorization }) => authorization), ["Bearer mine"]);
  assert.equal((await gatepost.fetch("/api/test/user", null)).status, 200);
});

test("what other services refuse is told as Gatepost's own refusals are", async () => {
  const told = async (detail) => {
    const { code, message } = await errorOf(Response.json({ detail }, { status: 403 }));
    return [code, message];
  };
  // As gatepost.sdk answers, and FastAPI itself.
  assert.deepEqual(await told({ code: "role_required", message: "Require Admin Role!" }), ["role_required", "Require Admin Role!"]);
  assert.deepEqual(await told("Not here"), ["failed", "Not here"]);
  for (const detail of [[{ loc: ["body"], msg: "Field required" }], { reason: 7 }, null, undefined]) {
    assert.deepEqual(await told(detail), ["failed", "The service answered 403."]);
  }
});

test("tokens that come in cookies alone are told", async () => {
  const answer = { id: 1, username: "Abbey", roles: [], tokenType: "Bearer", accessToken: null, refreshToken: null };
  const gatepost = client({ fetch: async () => Response.json(answer) });
  assert.equal((await gatepost.signIn(account()).catch((error) => error)).code, "tokens_in_cookies");
  assert.equal(gatepost.user, null);
});

test("where a mail tells how to go on, nobody is signed in", async () => {
  const gatepost = client({ fetch: async () => Response.json({ message: "We have sent you a mail." }, { status: 202 }) });
  assert.equal(await gatepost.signUp(account()), null);
  assert.equal(gatepost.user, null);
});

test("the types name every member of a client, and no other", async () => {
  const types = await readFile(new URL("../../../packages/js/src/client.d.ts", import.meta.url), "utf8");
  const [, body] = /export interface Client \{\n(.*?)\n\}/s.exec(types);
  const named = [...body.matchAll(/^  (?:readonly )?(\w+)[(:]/gm)].map(([, name]) => name);
  const gatepost = client();
  const getters = Object.entries(Object.getOwnPropertyDescriptors(Object.getPrototypeOf(gatepost)))
    .filter(([, { get }]) => get)
    .map(([name]) => name);
  assert.deepEqual(named.sort(), [...Object.keys(gatepost), ...getters].sort());
});
