import { errorOf, jsonOf, unexpected, unreachable } from "./error.js";
import { canFill, create, failure, get, isSupported, signal } from "./webauthn.js";

const OPTIONS = "/api/auth/passkeys/options";
const MINE = "/api/users/me/passkeys";
// The service takes an answer for ten minutes; what waits for a form to be filled in asks anew before that.
const RENEW_MS = 9 * 60_000;

export const createPasskeys = (client) => new Passkeys(client);

// passkeys.d.ts says what each member promises.
class Passkeys {
  #client;
  // Ends the ceremony that is under way: browsers allow one at a time.
  #aborting = null;
  #filling = null;

  constructor(client) {
    this.#client = client;
  }

  get areSupported() {
    return isSupported();
  }

  canAutofill = () => canFill();

  signIn = () => this.#alone(async (signal) => this.#enter(await this.#show(OPTIONS, {}, { signal })));

  autofill = () =>
    (this.#filling ??= this.#fill().finally(() => {
      this.#filling = null;
    }));

  signUp = (account) =>
    this.#alone(async (signal) => {
      const { username, email, invitation } = account;
      const made = await this.#make("/api/auth/signup/passkey/options", { username, email, invitation }, signal);
      return this.#keep(made, (answer) => this.#client.signUp({ ...account, ...answer }));
    });

  add = ({ password, name } = {}) =>
    this.#alone(async (signal) => {
      const made = await this.#make(`${MINE}/options`, { password }, signal);
      const added = await this.#keep(made, (answer) => this.#send(MINE, { ...answer, name }));
      // The access token tells from now on that there is a second factor.
      await this.#client.refresh().catch(() => {});
      return added;
    });

  continueSignIn = ({ pendingToken, trustDevice }) =>
    this.#alone(async (signal) => {
      const { answer } = await this.#show(OPTIONS, { pendingToken }, { signal });
      return this.#client.continueSignIn({ pendingToken, method: "passkey", trustDevice, ...answer });
    });

  reauthenticate = () =>
    this.#alone(async (signal) => {
      const { answer } = await this.#show("/api/auth/reauthenticate/options", {}, { signal });
      return this.#client.reauthenticate({ method: "passkey", ...answer });
    });

  list = async () => {
    const own = await this.#send(MINE);
    const { rpId, userHandle: userId } = own;
    const { username: name } = this.#client.user ?? (await this.#client.session()) ?? {};
    if (!rpId || !userId || !name) return own;
    const allAcceptedCredentialIds = own.passkeys.filter((one) => one.rpId === rpId).map((one) => one.credentialId);
    await signal("AllAcceptedCredentials", { rpId, userId, allAcceptedCredentialIds });
    await signal("CurrentUserDetails", { rpId, userId, name, displayName: name });
    return own;
  };

  /** Do a ceremony in the place of the one that is under way. */
  async #alone(ceremony) {
    const aborting = this.#begin();
    try {
      return await ceremony(aborting.signal);
    } finally {
      if (this.#aborting === aborting) this.#aborting = null;
    }
  }

  #begin() {
    if (!isSupported()) throw failure("passkeys_unsupported");
    this.#aborting?.abort();
    return (this.#aborting = new AbortController());
  }

  async #fill() {
    // Never in the place of another ceremony.
    if (!(await canFill()) || this.#aborting) return null;
    for (;;) {
      const aborting = this.#begin();
      let isOld = false;
      const timer = setTimeout(() => aborting.abort((isOld = true)), RENEW_MS);
      try {
        return await this.#enter(await this.#show(OPTIONS, {}, { signal: aborting.signal, mediation: "conditional" }));
      } catch (error) {
        if (this.#aborting !== aborting) return null;
        if (!isOld) throw error;
        await untilSeen();
        if (this.#aborting !== aborting) return null;
      } finally {
        clearTimeout(timer);
        if (!isOld && this.#aborting === aborting) this.#aborting = null;
      }
    }
  }

  /** Have a passkey shown; return the RP ID and the answer for the service. */
  async #show(path, body, request) {
    const { challengeId, publicKey } = await this.#send(path, body);
    if (request.signal.aborted) throw failure("passkey_cancelled");
    return { rpId: publicKey.rpId, answer: { challengeId, credential: await get(publicKey, request) } };
  }

  async #make(path, body, signal) {
    const { challengeId, publicKey } = await this.#send(path, body);
    if (signal.aborted) throw failure("passkey_cancelled");
    return { rpId: publicKey.rp.id, answer: { challengeId, credential: await create(publicKey, { signal }) } };
  }

  async #enter({ rpId, answer }) {
    try {
      return await this.#client.signIn(answer);
    } catch (error) {
      if (error.problem?.unknownCredential) await forget(rpId, answer);
      throw error;
    }
  }

  /** Give the service a new passkey; one that it refuses is of no use to the browser. */
  async #keep({ rpId, answer }, send) {
    try {
      return await send(answer);
    } catch (error) {
      if (error.status >= 400 && error.status < 500 && error.code !== "second_factor_required") await forget(rpId, answer);
      throw error;
    }
  }

  async #send(path, body) {
    const headers = { Accept: "application/json", ...(body && { "Content-Type": "application/json" }) };
    const init = { method: body ? "POST" : "GET", headers, body: body && JSON.stringify(body), redirect: "error" };
    const answer = await this.#client.fetch(path, init).catch((cause) => {
      throw unreachable(cause);
    });
    if (!answer.ok) throw await errorOf(answer);
    const data = await jsonOf(answer);
    if (!data) throw unexpected(answer.status);
    return data;
  }
}

const forget = (rpId, { credential }) => signal("UnknownCredential", { rpId, credentialId: credential.id });

/** Wait until somebody looks at the page. */
const untilSeen = () =>
  new Promise((resolve) => {
    const look = () => {
      if (globalThis.document?.hidden) return;
      globalThis.document?.removeEventListener("visibilitychange", look);
      resolve();
    };
    globalThis.document?.addEventListener("visibilitychange", look);
    look();
  });
