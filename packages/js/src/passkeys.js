import { asked } from "./calls.js";
import { holding, Lock } from "./locks.js";
import { canFill, create, failure, get, isSupported, signal } from "./webauthn.js";

const OPTIONS = "/api/auth/passkeys/options";
const MINE = "/api/users/me/passkeys";
// The service takes an answer for ten minutes; what waits for a form to be filled in asks anew before that.
const RENEW_MS = 9 * 60_000;
const LOCK = "gatepost:passkeys";
// Held from before a passkey is made until the service has it.
const ADDING = `${LOCK}:adding`;

export const createPasskeys = (client) => new Passkeys(client);

// passkeys.d.ts says what each member promises.
class Passkeys {
  #client;
  // What end the ceremony that is under way, and what a field offers: browsers do one of them at a time.
  #aborting = null;
  #filler = null;
  #filling = null;
  #lock = new Lock(LOCK);

  constructor(client) {
    this.#client = client;
  }

  get areSupported() {
    return isSupported();
  }

  canAutofill = () => canFill();

  signIn = async () => this.#enter(await this.#ceremony(get, OPTIONS, {}));

  autofill = () =>
    (this.#filling ??= this.#fill().finally(() => {
      this.#filling = this.#filler = null;
    }));

  signUp = async (account) => {
    const { username, email, invitation } = account;
    const made = await this.#ceremony(create, "/api/auth/signup/passkey/options", { username, email, invitation });
    // Told of names after the passkey was looked at, which is done once: no account has it.
    const isNobodys = ({ code }) => /_taken$/.test(code);
    return this.#keep(made, (answer) => this.#client.signUp({ ...account, ...answer }), isNobodys);
  };

  add = async ({ password, name } = {}) => {
    const added = await holding(ADDING, { mode: "shared" }, async () => {
      const made = await this.#ceremony(create, `${MINE}/options`, { password });
      const isNobodys = async ({ status }) => status >= 400 && status < 500 && this.#isMissing(made);
      return this.#keep(made, (answer) => this.#send(MINE, { ...answer, name }), isNobodys);
    });
    // The access token tells from now on that there is a second factor.
    await this.#client.refresh().catch(() => {});
    return added;
  };

  continueSignIn = async ({ pendingToken, trustDevice }) => {
    const { answer } = await this.#ceremony(get, OPTIONS, { pendingToken });
    return this.#client.continueSignIn({ pendingToken, method: "passkey", trustDevice, ...answer });
  };

  reauthenticate = async () => {
    const { answer } = await this.#ceremony(get, "/api/auth/reauthenticate/options", {});
    return this.#client.reauthenticate({ method: "passkey", ...answer });
  };

  // One after the other, so that the browser hears last what was true last.
  list = () =>
    this.#lock.alone(() =>
      holding(ADDING, { ifAvailable: true }, async (lock) => {
        const own = await this.#send(MINE);
        const { rpId, userHandle: userId, username: name } = own;
        // A passkey that is being added may be missing here, and good.
        if (lock === null || !rpId || !userId) return own;
        const allAcceptedCredentialIds = own.passkeys.filter((one) => one.rpId === rpId).map((one) => one.credentialId);
        await signal("AllAcceptedCredentials", { rpId, userId, allAcceptedCredentialIds });
        await signal("CurrentUserDetails", { rpId, userId, name, displayName: name });
        return own;
      }),
    );

  /** Have a passkey made or shown; return the RP ID and the answer for the service. */
  async #ceremony(work, path, body) {
    if (!isSupported()) throw failure("passkeys_unsupported");
    this.#filler?.abort();
    // The call for the options may need a fresh proof first, which is a ceremony itself.
    const asked = await this.#send(path, body);
    this.#filler?.abort();
    this.#aborting?.abort();
    const aborting = (this.#aborting = new AbortController());
    try {
      return await answered(work, asked, { signal: aborting.signal });
    } finally {
      if (this.#aborting === aborting) this.#aborting = null;
    }
  }

  async #fill() {
    // Never in the place of another ceremony.
    if (!(await canFill()) || this.#aborting) return null;
    for (;;) {
      const filler = (this.#filler = new AbortController());
      let isOld = false;
      const timer = setTimeout(() => filler.abort((isOld = true)), RENEW_MS);
      try {
        const asked = await this.#send(OPTIONS, {});
        return this.#enter(await answered(get, asked, { signal: filler.signal, mediation: "conditional" }));
      } catch (error) {
        if (!filler.signal.aborted) throw error;
        if (!isOld) return null;
      } finally {
        clearTimeout(timer);
      }
      await untilSeen();
      if (this.#aborting) return null;
    }
  }

  #enter(shown) {
    return this.#keep(shown, (answer) => this.#client.signIn(answer), ({ problem }) => problem?.unknownCredential);
  }

  /** Give the service a passkey; one that is nobody's is of no use to the browser. */
  async #keep({ rpId, answer }, send, isNobodys) {
    try {
      return await send(answer);
    } catch (error) {
      if (await isNobodys(error)) await signal("UnknownCredential", { rpId, credentialId: answer.credential.id });
      throw error;
    }
  }

  /** Whether a new passkey is not in its account: it may be, whatever the answer, to a request that was sent twice. */
  async #isMissing({ userId, answer }) {
    const { userHandle, passkeys } = await this.#send(MINE).catch(() => ({}));
    return userHandle === userId && !passkeys.some(({ credentialId }) => credentialId === answer.credential.id);
  }

  #send = (path, body) => asked(this.#client.fetch, path, body);
}

async function answered(work, { challengeId, publicKey }, request) {
  const rpId = publicKey.rpId ?? publicKey.rp.id;
  return { rpId, userId: publicKey.user?.id, answer: { challengeId, credential: await work(publicKey, request) } };
}

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
