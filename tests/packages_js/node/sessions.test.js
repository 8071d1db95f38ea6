import assert from "node:assert/strict";
import { test } from "node:test";
import { createClient, GatepostError } from "../../../packages/js/src/client.js";
import {
  account, client, control, expire, FOREVER, memory, PASSWORD, refreshesOf, signedIn, spoil, timeouts,
} from "./support.js";

const REFRESH = "/api/auth/refreshtoken";

test("a person signs up, out, in again and is known", async () => {
  const abbey = account();
  const gatepost = client();
  const heard = [];
  gatepost.onChange((user) => heard.push(user?.username));
  assert.equal(gatepost.user, null);
  assert.equal(await gatepost.session(), null);

  assert.equal((await gatepost.signUp(abbey)).username, abbey.username);
  await gatepost.signOut();
  const user = await gatepost.signIn({ email: abbey.email, password: PASSWORD });

  assert.deepEqual(user.roles, ["ROLE_USER"]);
  assert.equal(gatepost.user, user);
  assert.deepEqual(Object.keys(user).sort(), ["email", "id", "roles", "username"]);
  assert.equal((await gatepost.session()).emailVerified, false);
  assert.equal(await gatepost.session(), gatepost.user);
  assert.equal(await (await gatepost.fetch("/api/test/user")).text(), "User Content.");
  await gatepost.signOut();
  assert.equal(gatepost.user, null);
  assert.equal((await gatepost.fetch("/api/test/user")).status, 401);
  assert.deepEqual(heard, [abbey.username, undefined, abbey.username, abbey.username, undefined]);
});

test("a refusal tells its code, its text and its fields, and starts no refresh", async () => {
  const gatepost = await signedIn();
  const { username } = gatepost.user;

  const wrong = await gatepost.signIn({ username, password: "wrong horse" }).catch((error) => error);
  assert.ok(wrong instanceof GatepostError);
  assert.deepEqual([wrong.status, wrong.code], [401, "invalid_credentials"]);
  assert.equal(wrong.message, "Invalid username or password!");
  const bad = await gatepost.signUp({ username: "", email: "x", password: "y" }).catch((error) => error);
  assert.deepEqual(bad.errors.map(({ field }) => field).sort(), ["email", "username"]);
  assert.equal(gatepost.user.username, username);
  const answer = await gatepost.fetch("/api/auth/signin", {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify({ username, password: "wrong horse" }),
  });
  assert.equal(answer.status, 401);
  assert.deepEqual(refreshesOf(await control("calls")), []);
});

test("twenty calls with an expired token cause one refresh", async () => {
  const gatepost = await signedIn();
  await expire();

  const answers = await Promise.all(Array.from({ length: 20 }, () => gatepost.fetch("/api/test/user")));

  assert.deepEqual(new Set(answers.map(({ status }) => status)), new Set([200]));
  assert.deepEqual(refreshesOf(await control("calls")), [`200 ${REFRESH}`]);
});

test("the clock of the machine plays no part", async (t) => {
  const gatepost = await signedIn();
  t.mock.timers.enable({ apis: ["Date"], now: 0 });
  await expire();
  assert.equal((await gatepost.fetch("/api/test/user")).status, 200);
  t.mock.timers.setTime(Date.UTC(2090, 0));
  await expire();
  assert.equal((await gatepost.fetch("/api/test/user")).status, 200);
});

test("two tabs without locks that refresh at once both go on, for good", async () => {
  const storage = memory();
  const one = await signedIn({ storage });
  const other = client({ storage });
  for (let round = 0; round < 3; round += 1) {
    await expire();
    const answers = await Promise.all([one, other].map((tab) => tab.fetch("/api/test/user")));
    assert.deepEqual(answers.map(({ status }) => status), [200, 200]);
  }
});

test("a tab whose token another tab has replaced takes the new one, without a refresh", async () => {
  const storage = memory();
  const one = await signedIn({ storage });
  const held = [];
  const slow = client({
    storage,
    // Its first answer, a refusal, comes when the other tab has refreshed.
    fetch: async (...sent) => {
      const answer = await fetch(...sent);
      if (held.push(answer.status) === 1) await one.fetch("/api/test/user");
      return answer;
    },
  });
  await expire();
  await control("calls");

  assert.equal((await slow.fetch("/api/test/user")).status, 200);

  assert.deepEqual(held, [401, 200]);
  assert.equal(refreshesOf(await control("calls")).length, 1);
});

test("a refusal tells a tab that another tab has signed out, before the browser does", async () => {
  const storage = memory();
  const one = await signedIn({ storage });
  const other = client({ storage });
  await other.signOut();

  assert.equal((await one.fetch("/api/test/user")).status, 401);

  assert.equal(one.user, null);
});

test("a sign-out in another tab while a refresh is under way is known once that has ended", async () => {
  const storage = memory();
  const other = client({ storage });
  const one = await signedIn({
    storage,
    fetch: async (address, ...sent) => {
      if (String(address).endsWith("/api/auth/refreshtoken")) await other.signOut();
      return fetch(address, ...sent);
    },
  });
  await expire();

  assert.equal((await one.fetch("/api/test/user")).status, 401);

  assert.equal(one.user, null);
});

test("a refresh whose answer is lost is sent again, and the session goes on past the grace", async (t) => {
  const giveUp = timeouts(t);
  for (const fault of ["lost", "held", "unheard", "502", "504"]) {
    const gatepost = await signedIn({ refreshTimeout: FOREVER });
    await expire();
    await spoil(REFRESH, fault);
    const call = gatepost.fetch("/api/test/user");
    if (fault === "held" || fault === "unheard") {
      await control("reached");
      giveUp();
    }
    assert.equal((await call).status, 200, fault);
    await control("release");
    await expire();
    assert.equal((await gatepost.fetch("/api/test/user")).status, 200, fault);
  }
});

test("a refresh that fails signs nobody out", async (t) => {
  const giveUp = timeouts(t);
  for (const [faults, status, code] of [
    [["500"], 500, "failed"],
    [["503"], 503, "failed"],
    [["429"], 429, "failed"],
    [["403"], 403, "failed"],
    [["504", "504"], 504, "failed"],
    [["portal"], 200, "unexpected_answer"],
    [["lost", "unheard"], 0, "unreachable"],
  ]) {
    const gatepost = await signedIn({ refreshTimeout: FOREVER });
    const { user } = gatepost;
    await expire();
    await spoil(REFRESH, ...faults);
    const call = gatepost.fetch("/api/test/user").catch((error) => error);
    if (faults.includes("unheard")) {
      await control("reached");
      giveUp();
    }
    const problem = await call;
    assert.deepEqual([problem.status, problem.code], [status, code], String(faults));
    if (status >= 400) assert.equal(problem.retryAfter, 7);
    assert.equal(gatepost.user, user);
    assert.equal((await gatepost.fetch("/api/test/user")).status, 200, String(faults));
  }
});

test("an ended session is told once, leaves nothing behind and starts no loop", async () => {
  const storage = memory();
  const gatepost = await signedIn({ storage });
  const heard = [];
  gatepost.onChange((user) => heard.push(user));
  await control("wait", { days: 31 });

  const answers = await Promise.all([1, 2, 3].map(() => gatepost.fetch("/api/test/user")));

  assert.deepEqual(answers.map(({ status }) => status), [401, 401, 401]);
  assert.equal((await answers[0].json()).code, "token_expired");
  assert.deepEqual(heard, [null]);
  assert.equal(storage.kept.size, 0);
  assert.equal((await gatepost.fetch("/api/test/user")).status, 401);
  assert.equal(await gatepost.session(), null);
  assert.deepEqual(refreshesOf(await control("calls")), [`403 ${REFRESH}`]);
});

test("a refresh that ends after the sign-out signs nobody in", async () => {
  const storage = memory();
  const gatepost = await signedIn({ storage });
  await expire();
  await spoil(REFRESH, "held");
  const call = gatepost.fetch("/api/test/user").catch((error) => error);
  await control("reached");

  const leaving = gatepost.signOut();
  assert.equal(gatepost.user, null);
  await leaving;
  await control("release");

  assert.equal((await call).status, 401);
  assert.equal(gatepost.user, null);
  assert.equal(storage.kept.size, 0);
});

test("sign-ins that are under way at the sign-out sign nobody in", async () => {
  // The second network knows no signals.
  for (const send of [fetch, (address, { signal, ...init }) => fetch(address, init)]) {
    const storage = memory();
    const gatepost = await signedIn({ storage, fetch: send });
    const { username } = gatepost.user;
    await spoil("/api/auth/signin", "held", "held");
    const enter = () => gatepost.signIn({ username, password: PASSWORD }).catch((error) => error);
    const entering = [enter(), enter()];
    await control("reached");

    await gatepost.signOut();
    await control("release");

    assert.deepEqual((await Promise.all(entering)).map(({ code }) => code), ["unreachable", "unreachable"]);
    assert.equal(gatepost.user, null);
    assert.equal(storage.kept.size, 0);
  }
});

test("a refresh of another tab that ends after the sign-out signs nobody in", async () => {
  const storage = memory();
  const gatepost = await signedIn({ storage });
  const other = client({ storage });
  await expire();
  await spoil(REFRESH, "held");
  const call = other.fetch("/api/test/user");
  await control("reached");
  await gatepost.signOut();
  await control("release");

  assert.equal((await call).status, 401);
  assert.equal(storage.kept.size, 0);
});

test("a question who is there that ends after the sign-out brings nobody back", async () => {
  const gatepost = await signedIn();
  await spoil("/api/users/me", "held");
  const asked = gatepost.session();
  await control("reached");
  await gatepost.signOut();
  await control("release");

  assert.equal(await asked, null);
  assert.equal(gatepost.user, null);
});

test("sign-out clears this machine whatever the network says, and ends the session where it can", async () => {
  const storage = memory();
  const gatepost = await signedIn({ storage });
  const { accessToken } = JSON.parse([...storage.kept.values()][0]);
  await spoil("/api/auth/signout", "500");
  const problem = await gatepost.signOut().catch((error) => error);
  assert.equal(problem.status, 500);
  assert.equal(gatepost.user, null);
  assert.equal(storage.kept.size, 0);
  // The service was never told: with tokens, this session ends by itself.
  const headers = { Authorization: `Bearer ${accessToken}` };
  assert.equal((await gatepost.fetch("/api/test/user", { headers })).status, 200);
});

test("a sign-in ends the session that it replaces", async () => {
  const storage = memory();
  const gatepost = await signedIn({ storage });
  const headers = { Authorization: `Bearer ${JSON.parse([...storage.kept.values()][0]).accessToken}` };
  const { username } = gatepost.user;
  await gatepost.signIn({ username, password: PASSWORD });
  // It is told in passing.
  while ((await gatepost.fetch("/api/test/user", { headers })).status !== 401) await control("wait", { seconds: 1 });
  assert.equal((await gatepost.fetch("/api/test/user")).status, 200);
});

test("what one person asked for is not done in the name of another", async () => {
  const storage = memory();
  const one = await signedIn({ storage });
  const other = client({ storage });
  await expire();
  await spoil(REFRESH, "held");
  const call = one.fetch("/api/users/me", {
    method: "PATCH",
    headers: { "Content-Type": "application/json" },
    body: '{"language": "de"}',
  });
  await control("reached");
  const next = await other.signUp(account());
  await control("release");

  assert.equal((await call).status, 401);
  assert.equal((await other.session()).id, next.id);
  assert.equal((await other.session()).language, "en");
});

test("what was sent without a session is not sent again with one", async () => {
  for (const transport of ["token", "cookie"]) {
    const storage = memory();
    const abbey = { id: 1, username: "Abbey", tokenType: "Bearer", accessToken: "a", refreshToken: "r" };
    const sent = [];
    const fetch = async (address, init) => {
      sent.push(`${init.method} ${new URL(address).pathname}`);
      if (!address.endsWith("/orders")) return Response.json(abbey);
      // While it is on its way, somebody signs in in another tab.
      await client({ storage, transport, fetch }).signIn(account());
      return Response.json({ code: "token_missing" }, { status: 401 });
    };
    const answer = await client({ storage, transport, fetch }).fetch("/orders", { method: "POST" });
    assert.equal(answer.status, 401);
    assert.deepEqual(sent, ["POST /orders", "POST /api/auth/signin"], transport);
  }
});

test("a question who is there takes nothing from who signs in meanwhile in another tab", async () => {
  const storage = memory();
  const service = { user: null };
  const fetch = async (address) => {
    if (!address.endsWith("/me")) return Response.json({ ...service.user, tokenType: "Bearer" });
    if (service.user) return Response.json(service.user);
    service.user = { id: 1, username: "Abbey" };
    await client({ storage, transport: "cookie", fetch }).signIn(account());
    return Response.json({ code: "token_missing" }, { status: 401 });
  };
  assert.equal((await client({ storage, transport: "cookie", fetch }).session()).username, "Abbey");
  assert.equal(storage.kept.size, 1);
});

test("an answer to who is there that breaks off is no answer", async () => {
  const broken = () => new ReadableStream({ pull: (part) => part.error(new TypeError("terminated")) });
  const headers = { "Content-Type": "application/json" };
  const gatepost = client({ transport: "cookie", fetch: async () => new Response(broken(), { headers }) });
  const error = await gatepost.session().catch((error) => error);
  assert.ok(error instanceof GatepostError);
  assert.equal(error.code, "unreachable");
});

test("a failure to tell who is there that comes after a sign-in is too late", async () => {
  const abbey = { id: 1, username: "Abbey", tokenType: "Bearer" };
  let fail;
  const fetch = (address) =>
    address.endsWith("/me") ? new Promise((_, reject) => (fail = reject)) : Promise.resolve(Response.json(abbey));
  const gatepost = client({ transport: "cookie", fetch });
  const asked = gatepost.session();
  await gatepost.signIn(account());
  fail(new TypeError("away"));
  assert.equal((await asked).username, "Abbey");
});

test("a storage that forbids everything, and none, are memory", async () => {
  const forbid = () => {
    throw new DOMException("forbidden", "SecurityError");
  };
  const full = { ...memory(), setItem: forbid };
  for (const storage of [null, { getItem: forbid, setItem: forbid, removeItem: forbid }, full]) {
    const gatepost = await signedIn({ storage });
    await expire();
    assert.equal((await gatepost.fetch("/api/test/user")).status, 200);
    await gatepost.signOut();
    assert.equal((await gatepost.fetch("/api/test/user")).status, 401);
  }
});

test("a storage with nonsense in it holds nobody", async () => {
  for (const nonsense of ["", "null", "7", '"text"', "{", "[]", '{"accessToken": 1}']) {
    const gatepost = client({ storage: { ...memory(), getItem: () => nonsense } });
    assert.equal(await gatepost.session(), null, nonsense);
    assert.equal((await gatepost.fetch("/api/test/user")).status, 401, nonsense);
  }
});

test("options that cannot be are told at once", () => {
  for (const options of [{}, { baseUrl: "nowhere" }, { baseUrl: "ftp://localhost" }, { transport: "cookies" }]) {
    assert.throws(() => createClient({ baseUrl: "transport" in options ? "http://localhost" : undefined, ...options }), TypeError);
  }
});

test("a listener that throws keeps nobody else from hearing", async (t) => {
  const gatepost = client();
  const thrown = [];
  const real = queueMicrotask;
  t.mock.method(globalThis, "queueMicrotask", (work) =>
    real(() => {
      try {
        work();
      } catch (error) {
        thrown.push(error.message);
      }
    }),
  );
  const heard = [];
  gatepost.onChange(() => {
    throw new Error("mine");
  });
  const stop = gatepost.onChange((user) => heard.push(user));
  await gatepost.signUp(account());
  assert.equal(heard.length, 1);
  assert.deepEqual(thrown, ["mine"]);
  stop();
  await gatepost.signOut();
  assert.equal(heard.length, 1);
});
