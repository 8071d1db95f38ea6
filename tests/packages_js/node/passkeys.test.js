import assert from "node:assert/strict";
import { test } from "node:test";
import { createPasskeys } from "../../../packages/js/src/passkeys.js";
import { browser, waiting } from "./authenticator.js";
import { account, client, control, memory, spoil } from "./support.js";

const OPTIONS = "/api/auth/passkeys/options";
const MINE = "/api/users/me/passkeys";
const names = () => {
  const { username, email } = account();
  return { username, email };
};
const failure = (work) => work.then(() => assert.fail("it worked"), (error) => error);

/** A client with passkeys, in a browser, in which somebody has just signed up with one. */
async function signedUp(options, settings) {
  const it = browser(options);
  const gatepost = client(settings);
  const passkeys = createPasskeys(gatepost);
  const made = await passkeys.signUp(names());
  await control("calls");
  return { it, gatepost, passkeys, made };
}

for (const isOld of [false, true]) {
  test(`a passkey signs up, in and proves, in ${isOld ? "an old" : "a new"} browser`, async () => {
    const { it, gatepost, passkeys, made } = await signedUp({ isOld });
    assert.equal(made.recoveryCodes.length, 10);
    assert.equal("recoveryCodes" in gatepost.user, false);
    assert.equal(gatepost.user.username, made.username);
    await gatepost.signOut();

    const user = await passkeys.signIn();

    assert.equal(user.username, made.username);
    assert.equal(gatepost.user, user);
    assert.ok((await gatepost.fetch("/api/test/user")).ok);
    assert.equal(it.calls.at(-1).publicKey.allowCredentials.length, 0);
    await passkeys.reauthenticate();
    assert.equal(it.calls.at(-1).publicKey.allowCredentials.length, 1);
  });
}

test("a call that needs a fresh proof is repeated after one by a passkey", async () => {
  const holder = {};
  const stepUp = async ({ methods }) => {
    assert.deepEqual(methods, ["passkey", "recovery_code"]);
    await holder.passkeys.reauthenticate();
    return true;
  };
  const { gatepost, passkeys } = await signedUp({}, { stepUp });
  holder.passkeys = passkeys;
  await control("wait", { minutes: 6 });

  const answer = await gatepost.fetch("/api/users/me/recovery-codes", { method: "POST" });

  assert.equal((await answer.json()).recoveryCodes.length, 10);
});

test("what the field offers is asked once, and makes room for the button", async () => {
  const { it, gatepost, passkeys } = await signedUp();
  await gatepost.signOut();
  await control("calls");
  it.answer = waiting;
  it.calls.length = 0;

  const [one, other] = [passkeys.autofill(), passkeys.autofill()];
  while (it.calls.length === 0) await new Promise(setImmediate);
  assert.equal(it.calls[0].mediation, "conditional");
  assert.equal(it.calls[0].publicKey.allowCredentials.length, 0);
  it.answer = null;
  const user = await passkeys.signIn();

  assert.deepEqual([await one, await other], [null, null]);
  assert.equal(gatepost.user, user);
  assert.equal((await control("calls")).filter((call) => call === `200 ${OPTIONS}`).length, 2);
  assert.equal(it.calls[0].signal.aborted, true);
  // It can begin anew.
  assert.equal((await passkeys.autofill()).id, user.id);
});

test("what the field offers is renewed before its challenge is too old", async (t) => {
  const { it, gatepost, passkeys } = await signedUp();
  await gatepost.signOut();
  it.answer = waiting;
  it.calls.length = 0;
  const real = setTimeout;
  const renewals = [];
  t.mock.method(globalThis, "setTimeout", (work, time, ...rest) =>
    time === 9 * 60_000 ? renewals.push(work) : real(work, time, ...rest),
  );

  const filling = passkeys.autofill();
  while (it.calls.length === 0) await new Promise(setImmediate);
  it.answer = null;
  renewals[0]();

  assert.notEqual(await filling, null);
  assert.notDeepEqual(it.calls[0].publicKey.challenge, it.calls[1].publicKey.challenge);
  assert.equal(gatepost.user.id, (await filling).id);
});

test("the browser hears of passkeys that are no good, and of no other", async () => {
  const { it, gatepost, passkeys, made } = await signedUp();
  const [id] = it.keys.keys();
  const own = await passkeys.list();
  assert.deepEqual(it.signals, [
    { name: "AllAcceptedCredentials", rpId: "localhost", userId: own.userHandle, allAcceptedCredentialIds: [id] },
    { name: "CurrentUserDetails", rpId: "localhost", userId: own.userHandle, name: made.username, displayName: made.username },
  ]);
  assert.equal(own.passkeys[0].credentialId, id);
  it.signals.length = 0;

  // An answer that is too late is refused, and the passkey is good.
  const signIn = async (answer) => {
    await control("wait", { minutes: 11 });
    return gatepost.signIn(answer);
  };
  const error = await failure(createPasskeys({ fetch: gatepost.fetch, signIn }).signIn());
  assert.equal(error.code, "passkey_invalid");
  assert.deepEqual(it.signals, []);

  // A name that is taken: the new passkey is of nobody.
  const taken = await failure(passkeys.signUp({ username: made.username, email: "other@example.com" }));
  assert.equal(taken.code, "username_taken");
  const [, stray] = it.keys.keys();
  assert.deepEqual(it.signals, [{ name: "UnknownCredential", rpId: "localhost", credentialId: stray }]);
  it.keys.delete(id);
  const unknown = await failure(passkeys.signIn());
  assert.equal(unknown.code, "passkey_invalid");
  assert.equal(it.signals.at(-1).credentialId, stray);
  assert.equal(it.signals.length, 2);
});

/** A network that sends one request twice, and loses the first answer: the service has done what it was asked. */
function twice(path) {
  return async (address, init) => {
    const isIt = new URL(address).pathname === path && init?.method === "POST";
    if (isIt) await fetch(address, init);
    return fetch(address, init);
  };
}

test("a new passkey that the service has, whatever it answers, stays in the browser", async () => {
  const { it, gatepost, passkeys } = await signedUp({}, { fetch: twice(MINE) });
  await control("verify", { id: gatepost.user.id });

  const error = await failure(passkeys.add({ name: "Second" }));

  assert.equal(error.code, "wrong_passkey");
  assert.deepEqual(it.signals, []);
  const { passkeys: listed } = await passkeys.list();
  assert.deepEqual(listed.map(({ credentialId }) => credentialId), [...it.keys.keys()]);
});

test("a new passkey that the service has refused, and has not, leaves the browser", async () => {
  const late = async (address, init) => {
    // The challenge is too old then.
    if (new URL(address).pathname === MINE && init?.method === "POST") await control("wait", { minutes: 11 });
    return fetch(address, init);
  };
  const { it, gatepost, passkeys } = await signedUp({}, { fetch: late });
  await control("verify", { id: gatepost.user.id });

  assert.equal((await failure(passkeys.add())).code, "wrong_passkey");

  const [, stray] = it.keys.keys();
  assert.deepEqual(it.signals, [{ name: "UnknownCredential", rpId: "localhost", credentialId: stray }]);
});

test("a new passkey stays in the browser where nobody can tell whether the service has it", async () => {
  for (const fault of ["503", "lost"]) {
    const { it, gatepost, passkeys } = await signedUp({}, { fetch: twice(MINE) });
    await control("verify", { id: gatepost.user.id });
    // It cannot be listed either.
    await spoil(MINE, "", "", fault);
    assert.equal((await failure(passkeys.add())).code, "wrong_passkey");
    assert.deepEqual(it.signals, []);
  }
});

test("a sign-up that was sent twice keeps the passkey, which signs in", async () => {
  const it = browser();
  const gatepost = client({ fetch: twice("/api/auth/signup") });
  const passkeys = createPasskeys(gatepost);
  const made = names();

  assert.equal((await failure(passkeys.signUp(made))).code, "wrong_passkey");

  assert.deepEqual(it.signals, []);
  assert.equal((await passkeys.signIn()).username, made.username);
});

test("the browser hears of the account that the service lists, although another one was signed in a moment ago", async () => {
  const storage = memory();
  const { it, gatepost, passkeys } = await signedUp({}, { storage });
  // In another tab, which this one has not heard of.
  const next = await createPasskeys(client({ storage })).signUp(names());
  assert.notEqual(gatepost.user.username, next.username);

  const own = await passkeys.list();

  assert.equal(own.username, next.username);
  assert.deepEqual(it.signals[1], {
    name: "CurrentUserDetails", rpId: "localhost", userId: own.userHandle, name: next.username, displayName: next.username,
  });
});

test("what keeps a passkey away has a code", async () => {
  const { it, passkeys } = await signedUp();
  for (const [name, code] of [
    ["NotAllowedError", "passkey_cancelled"], ["InvalidStateError", "passkey_exists"], ["SecurityError", "passkey_failed"],
  ]) {
    it.answer = () => Promise.reject(new DOMException("no", name));
    const error = await failure(passkeys.signUp(names()));
    assert.deepEqual([error.code, error.cause.name], [code, name]);
  }
  it.answer = async () => null;
  assert.equal((await failure(passkeys.signIn())).code, "passkey_cancelled");
  await spoil(OPTIONS, "503");
  assert.equal((await failure(passkeys.signIn())).status, 503);
  await spoil(OPTIONS, "portal");
  assert.equal((await failure(passkeys.signIn())).code, "unexpected_answer");

  globalThis.isSecureContext = false;
  assert.equal(passkeys.areSupported, false);
  assert.equal(await passkeys.autofill(), null);
  assert.equal((await failure(passkeys.signIn())).code, "passkeys_unsupported");
});
