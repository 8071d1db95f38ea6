import assert from "node:assert/strict";
import { test } from "node:test";
import { account, client, control, expire, memory, PASSWORD, signedIn, spoil } from "./support.js";

const CHANGE = "/api/auth/password/change";
const PROVE = "/api/auth/reauthenticate";
const REFRESH = "/api/auth/refreshtoken";
const NEW = "another horse";
const proof = { method: "password", password: PASSWORD };
const json = { "Content-Type": "application/json" };
const change = (gatepost, newPassword = NEW) =>
  gatepost.fetch(CHANGE, { method: "POST", headers: json, body: JSON.stringify({ newPassword }) });

test("a call that needs a fresh proof is repeated once there is one", async () => {
  const asked = [];
  const gatepost = await signedIn({
    stepUp: async (error) => {
      asked.push(error);
      await gatepost.reauthenticate(proof);
      return true;
    },
  });
  await control("wait", { minutes: 6 });

  assert.equal((await change(gatepost)).status, 204);

  assert.deepEqual(asked.map(({ code, methods, maxAge, acrValues }) => ({ code, methods, maxAge, count: acrValues.length })), [
    { code: "step_up_required", methods: ["password"], maxAge: 300, count: 3 },
  ]);
  const calls = (await control("calls")).filter((call) => !call.endsWith("/signup"));
  assert.deepEqual(calls, [`401 ${CHANGE}`, "200 /api/auth/reauthenticate", `204 ${CHANGE}`]);
  // The proof is in the tokens that the session gets from then on.
  assert.equal(await gatepost.refresh(), true);
  assert.equal((await gatepost.fetch("/api/users/me")).status, 200);
});

test("calls at once ask one question", async () => {
  let questions = 0;
  const gatepost = await signedIn({
    stepUp: async () => {
      questions += 1;
      await gatepost.reauthenticate(proof);
      return true;
    },
  });
  await control("wait", { minutes: 6 });

  const post = () => gatepost.fetch("/api/users/me/recovery-codes", { method: "POST" });
  const answers = await Promise.all([post(), post(), post()]);

  // There is no factor that codes could stand in for, which is told to who has proved who they are.
  assert.deepEqual(answers.map(({ status }) => status), [404, 404, 404]);
  assert.equal(questions, 1);
});

test("without a proof the call resolves to the 401", async () => {
  for (const options of [{}, { stepUp: () => false }, { stepUp: async () => false }]) {
    const gatepost = await signedIn(options);
    await control("wait", { minutes: 6 });
    const answer = await change(gatepost);
    assert.equal(answer.status, 401);
    assert.equal((await answer.json()).code, "step_up_required");
    assert.notEqual(gatepost.user, null);
  }
});

test("a question that fails makes the call fail, and the next call asks again", async () => {
  let isBroken = true;
  const gatepost = await signedIn({
    stepUp: async () => {
      if (isBroken) throw new RangeError("no dialog");
      await gatepost.reauthenticate(proof);
      return true;
    },
  });
  await control("wait", { minutes: 6 });

  await assert.rejects(change(gatepost), RangeError);
  isBroken = false;
  assert.equal((await change(gatepost)).status, 204);
});

test("a wrong proof is told, and changes nothing", async () => {
  const gatepost = await signedIn();

  const error = await gatepost.reauthenticate({ method: "password", password: "wrong horse" }).catch((cause) => cause);

  assert.equal(error.code, "wrong_password");
  assert.equal((await gatepost.session()).id, gatepost.user.id);
  const nobody = client();
  assert.equal((await nobody.reauthenticate(proof).catch((cause) => cause)).code, "token_missing");
});

test("a proof waits for a refresh that is under way, and the session goes on with both", async () => {
  const gatepost = await signedIn();
  await control("wait", { minutes: 6 });
  await control("calls");
  await spoil(REFRESH, "held");
  const refreshing = gatepost.refresh();
  await control("reached");
  const proving = gatepost.reauthenticate(proof);
  // Enough for a proof that does not wait.
  for (let round = 0; round < 50; round += 1) assert.deepEqual(await control("calls"), []);
  await control("release");
  await Promise.all([refreshing, proving]);

  assert.deepEqual(await control("calls"), [`200 ${PROVE}`]);
  assert.equal((await change(gatepost)).status, 204);
  // The grace of the token of before is over.
  await expire();
  assert.equal((await gatepost.fetch("/api/test/user")).status, 200);
});

test("a proof in another tab, where there are no locks, costs the refresh that is under way nothing", async () => {
  const storage = memory();
  const other = client({ storage });
  const one = await signedIn({
    storage,
    fetch: async (address, ...sent) => {
      const answer = await fetch(address, ...sent);
      if (String(address).endsWith(REFRESH)) await other.reauthenticate(proof);
      return answer;
    },
  });

  assert.equal(await one.refresh(), true);

  await expire();
  assert.equal((await other.fetch("/api/test/user")).status, 200);
});

test("a proof with an expired token is sent again with a new one", async () => {
  const gatepost = await signedIn();
  await expire();

  await gatepost.reauthenticate(proof);

  assert.deepEqual(await control("calls"), [`401 ${PROVE}`, `200 ${REFRESH}`, `200 ${PROVE}`]);
  assert.equal((await change(gatepost)).status, 204);
});

test("what a network answers in the place of the service is no proof", async () => {
  const gatepost = await signedIn();
  for (const [fault, code] of [["portal", "unexpected_answer"], ["503", "failed"], ["lost", "unreachable"]]) {
    await spoil(PROVE, fault);
    assert.equal((await gatepost.reauthenticate(proof).catch((cause) => cause)).code, code);
  }
  assert.equal((await gatepost.fetch("/api/test/user")).status, 200);
});

test("a sign-out ends a proof that is under way", async () => {
  const storage = memory();
  const gatepost = await signedIn({ storage });
  await spoil(PROVE, "held");
  const proving = gatepost.reauthenticate(proof).catch((cause) => cause);
  await control("reached");

  await gatepost.signOut();
  await control("release");

  assert.equal((await proving).code, "unreachable");
  assert.equal(storage.kept.size, 0);
});

test("a proof of one person is not sent in the name of another who has signed in meanwhile", async () => {
  const gatepost = await signedIn();
  await spoil("/api/auth/signup", "held");
  const next = gatepost.signUp(account());
  await control("reached");
  const proving = gatepost.reauthenticate(proof).catch((cause) => cause);
  await control("release");
  await next;

  assert.equal((await proving).code, "unreachable");
  assert.equal((await control("calls")).filter((call) => call.endsWith(PROVE)).length, 0);
});

test("nothing is repeated in the name of somebody who has signed in meanwhile", async () => {
  const other = account();
  await client().signUp(other);
  const gatepost = await signedIn({
    stepUp: async () => {
      await gatepost.signIn({ username: other.username, password: other.password });
      return true;
    },
  });
  await control("wait", { minutes: 6 });
  await control("calls");

  assert.equal((await change(gatepost)).status, 401);

  assert.equal((await control("calls")).filter((call) => call.endsWith(CHANGE)).length, 1);
});

test("a call that is given up waits for no proof", async () => {
  const gatepost = await signedIn({ stepUp: () => new Promise(() => {}) });
  await control("wait", { minutes: 6 });
  const aborting = new AbortController();
  const call = gatepost.fetch(CHANGE, {
    method: "POST", headers: json, body: JSON.stringify({ newPassword: NEW }), signal: aborting.signal,
  });
  while (!(await control("calls")).some((answered) => answered.endsWith(CHANGE))) await new Promise((next) => setTimeout(next, 20));
  aborting.abort();

  await assert.rejects(call, { name: "AbortError" });
});

test("a request that was made beforehand is repeated as it was", async () => {
  const gatepost = await signedIn({
    stepUp: async () => {
      await gatepost.reauthenticate(proof);
      return true;
    },
  });
  await control("wait", { minutes: 6 });
  const address = new URL(CHANGE, process.env.GATEPOST_URL);
  const request = new Request(address, { method: "POST", headers: json, body: JSON.stringify({ newPassword: NEW }) });

  assert.equal((await gatepost.fetch(request)).status, 204);
});
