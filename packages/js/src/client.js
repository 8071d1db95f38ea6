import { abortable, isStream, isTokenRefused, sent, sentTwice, StepUp, TOKEN_REFUSED } from "./calls.js";
import { COOKIES_ONLY, errorOf, GatepostError, jsonOf, STREAM, unexpected, unreachable } from "./error.js";
import { Lock } from "./locks.js";
import { isSameSignIn, lasting, read, sharedStorage, Store } from "./store.js";
import { waysIn } from "./ways.js";

export { errorOf, GatepostError };

// Refusals of a refresh that end the session.
const SESSION_ENDED = /^(refresh_token_(required|invalid|expired|reused)|account_disabled)$/;

const random = () => String(Math.random());

export const createClient = (options) => new Client(options);

// client.d.ts says what each member promises.
class Client {
  #base;
  #origins;
  #byCookie;
  #fetch;
  #timeout;
  #stepUp;
  #store;
  #lock;
  #user;
  // The sign-in, a random name, that the store held when this tab last looked; negative where cookies were found.
  #known;
  // Counts the changes of who is signed in: an answer from before one is too late.
  #turn = 0;
  #listeners = new Set();
  // Under way in this tab: the refresh, what aborts its request, and sign-ins and proofs, who is there.
  #refreshing = null;
  #request = null;
  #entering = new Set();
  #asking = null;

  constructor({
    baseUrl = globalThis.location?.origin,
    transport = "cookie",
    storage = sharedStorage(),
    origins = [],
    fetch = (...sent) => globalThis.fetch(...sent),
    refreshTimeout = 8000,
    stepUp,
  } = {}) {
    if (!["cookie", "token"].includes(transport)) throw new TypeError('transport must be "cookie" or "token"');
    if (!baseUrl) throw new TypeError("baseUrl is needed: the address of the service");
    const base = new URL(baseUrl, globalThis.location?.href);
    if (!/^https?:$/.test(base.protocol)) throw new TypeError(`baseUrl must begin with https:// or http://: ${base}`);
    this.#base = base.origin + base.pathname.replace(/\/+$/, "");
    this.#origins = new Set([base, ...origins].map((address) => new URL(address).origin));
    this.#byCookie = transport === "cookie";
    this.#fetch = fetch;
    this.#timeout = refreshTimeout;
    this.#stepUp = new StepUp(stepUp);
    this.#lock = new Lock(`gatepost:${this.#base}`);
    this.#store = new Store(storage, this.#lock.name);
    this.#known = this.#record.signIn;
    this.#user = this.#isNobody() ? null : undefined;
    this.#store.onChange(this.#look);
    if (this.#record.owesSignOut) this.session();
    Object.assign(this, waysIn((...sent) => this.#enter(...sent), this.fetch));
  }

  get user() {
    return this.#user;
  }

  get isRemembered() {
    return this.#store.text !== null && !this.#record.owesSignOut;
  }

  onChange = (listener) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  signOut = async () => {
    const { refreshToken } = this.#record;
    for (const entering of this.#entering) entering.abort();
    this.#become(null, this.#byCookie ? { owesSignOut: true } : null);
    if (this.#byCookie) await this.#settle();
    else if (refreshToken) await this.#endSession(refreshToken);
  };

  session = () =>
    (this.#asking ??= this.#ask().finally(() => {
      this.#asking = null;
    }));

  refresh = () => this.#renew(this.#store.text);

  reauthenticate = async (proof) => {
    const { text } = this.#store;
    let error = await this.#prove(proof, text);
    if (TOKEN_REFUSED.test(error?.code) && (await this.#renew(text))) error = await this.#prove(proof, text);
    if (error) throw error;
  };

  fetch = async (input, init) => {
    const target = this.#address(input);
    const headers = new Headers(init?.headers ?? target.headers);
    const isOurs = this.#origins.has(new URL(target.url ?? target).origin);
    if (!isOurs || headers.has("Authorization")) return this.#fetch(target, init);
    const [{ signIn }, { turn }] = [this.#record, this.#stepUp];
    const answer = await this.#fetchAsUser(target.clone?.() ?? target, init, headers);
    if (isStream(init?.body)) return answer;
    const isProved = await abortable(this.#stepUp.after(answer, turn), init?.signal ?? target.signal);
    return isProved && this.#record.signIn === signIn ? this.#fetchAsUser(target, init, headers) : answer;
  };

  async #fetchAsUser(target, init, headers) {
    const held = this.#store.text;
    const answer = await this.#attach(target.clone?.() ?? target, { ...init, headers }, held);
    if (!(await isTokenRefused(answer))) return answer;
    if (!(await abortable(this.#renew(held), init?.signal ?? target.signal))) return answer;
    const now = this.#store.text;
    // Nothing is done in the name of somebody who has signed in meanwhile.
    if (!isSameSignIn(held, now)) return answer;
    if (isStream(init?.body)) throw new GatepostError(STREAM, { status: 401 });
    answer.body?.cancel().catch(() => {});
    return this.#attach(target, { ...init, headers }, now);
  }

  get #record() {
    return read(this.#store.text);
  }

  #address(input) {
    if (input instanceof Request) return input;
    const address = String(input);
    return /^\/(?!\/)/.test(address) ? this.#base + address : new URL(address, `${this.#base}/`).href;
  }

  #attach(target, init, held) {
    const { accessToken, owesSignOut } = read(held);
    const headers = new Headers(init.headers);
    if (accessToken) headers.set("Authorization", `Bearer ${accessToken}`);
    const cookies = this.#byCookie && { credentials: "include" };
    return this.#fetch(target, { ...cookies, ...init, headers, ...(owesSignOut && { credentials: "omit" }) });
  }

  /** Whether it is known that nobody is signed in, so that a refresh cannot help. */
  #isNobody() {
    if (!this.#byCookie) return !this.#record.refreshToken;
    return this.#record.owesSignOut === true || (this.#user === null && this.#store.text === null);
  }

  /** Refresh, once for all tabs; return whether somebody is signed in then. `held` is the record used. */
  async #renew(held) {
    if (!this.#refreshing && (this.#store.text !== held || this.#isNobody())) return this.#look();
    return (this.#refreshing ??= this.#lock.alone(() => this.#exchange(held)).finally(() => {
      this.#refreshing = null;
    }));
  }

  async #exchange(held) {
    const isLate = () => lasting(this.#store.text) !== lasting(held);
    const turn = this.#turn;
    // Another tab may have done it meanwhile.
    await this.#lock.news(isLate);
    const { refreshToken, signIn = -random() } = read(held);
    const send = () => {
      const aborting = (this.#request = new AbortController());
      return this.#post("/api/auth/refreshtoken", refreshToken && { refreshToken }, { timeout: this.#timeout, aborting });
    };
    const answer = isLate() ? null : await sentTwice(send, isLate);
    if (answer === null || isLate() || turn !== this.#turn) return this.#look();
    if (answer.ok) {
      this.#store.put({ signIn, ...this.#credentials(answer.data ?? {}) });
      await this.#lock.announce();
      return true;
    }
    if (!SESSION_ENDED.test(answer.error.code)) throw answer.error;
    this.#become(null, null);
    return false;
  }

  #enter(path, body, options) {
    return this.#exclusively(async (aborting) => {
      const { status, data, error } = await this.#post(path + (this.#byCookie ? "?transport=cookie" : ""), body, { aborting, ...options });
      if (error) throw error;
      if (aborting.signal.aborted) throw unreachable();
      // A mail tells how to go on.
      if (status === 202) return null;
      if (!data?.id) throw unexpected(status);
      const user = this.#begin(data);
      await this.#lock.announce();
      return user;
    });
  }

  /** Get new tokens, not beside a refresh, which would put earlier ones in their place; a sign-out ends it. */
  #exclusively(work) {
    const aborting = new AbortController();
    this.#entering.add(aborting);
    return this.#lock.alone(() => work(aborting)).finally(() => this.#entering.delete(aborting));
  }

  /** Send a proof of who was signed in by the record `held`; return what was refused. */
  #prove(proof, held) {
    return this.#exclusively(async (aborting) => {
      await this.#lock.news(() => this.#store.text !== held);
      const isTheirs = () => isSameSignIn(held, this.#store.text);
      const { accessToken, owesSignOut } = this.#record;
      if (owesSignOut || !isTheirs()) throw unreachable();
      const { status, data, error } = await this.#post("/api/auth/reauthenticate", proof, { accessToken, aborting });
      if (error) return error;
      if (!data) throw unexpected(status);
      if (data.accessToken && isTheirs()) this.#store.put({ ...this.#record, accessToken: data.accessToken });
    });
  }

  #begin({ accessToken, refreshToken, tokenType, expiresIn, refreshExpiresIn, message, recoveryCodes, ...user }) {
    const replaced = this.#record.refreshToken;
    this.#become(user, { signIn: random(), ...this.#credentials({ accessToken, refreshToken, tokenType }) });
    if (replaced) this.#endSession(replaced).catch(() => {});
    // For who is asked to keep them now, and nobody else.
    return recoveryCodes ? { ...user, recoveryCodes } : user;
  }

  /** Return what the store keeps: the tokens, or a mark in the place of the cookies. */
  #credentials({ accessToken, refreshToken, tokenType }) {
    if (tokenType !== "Bearer") throw unexpected(200);
    if (this.#byCookie) return { mark: random() };
    if (!accessToken) throw new GatepostError(COOKIES_ONLY, { status: 200 });
    return { accessToken, refreshToken };
  }

  async #ask() {
    if (this.#record.owesSignOut) {
      // Not beside a sign-in, whose cookies it would take away.
      await this.#lock.alone(() => this.#settle()).catch(() => {});
      if (!this.isRemembered) return this.#become(null);
    }
    // Cookies can have come from elsewhere; tokens cannot.
    if (!this.#byCookie && this.#isNobody()) return this.#become(null);
    const turn = this.#turn;
    let data, error;
    try {
      const answer = await this.fetch("/api/users/me", { headers: { Accept: "application/json" } });
      if (!answer.ok) throw await errorOf(answer);
      data = await jsonOf(answer);
      if (!data?.id) throw unexpected(answer.status);
    } catch (cause) {
      error = unreachable(cause);
    }
    this.#look();
    if (turn !== this.#turn) return this.#user === undefined ? this.#ask() : this.#user;
    if (TOKEN_REFUSED.test(error?.code) || error?.code === "user_not_found") return this.#become(null, null);
    if (error) throw error;
    // The same object while it says the same: a listener may ask.
    const user = JSON.stringify(data) === JSON.stringify(this.#user) ? this.#user : data;
    return this.#become(user, this.isRemembered ? undefined : { signIn: -random(), mark: random() });
  }

  async #settle() {
    if (!this.#record.owesSignOut) return;
    await this.#endSession();
    if (this.#record.owesSignOut) this.#store.put(null);
  }

  async #endSession(refreshToken) {
    const { error } = await this.#post("/api/auth/signout", refreshToken && { refreshToken }, { keepalive: true });
    if (error) throw error;
  }

  /** Send a request, read the answer. */
  #post(path, body, options) {
    const credentials = this.#byCookie ? "include" : "omit";
    return sent(this.#fetch, this.#base + path, body, { credentials, ...options });
  }

  /** Take over what another tab did, whose event may come later than this; return whether somebody is signed in. */
  #look = () => {
    if (this.#record.signIn !== this.#known) this.#become(this.isRemembered ? undefined : null);
    return !this.#isNobody();
  };

  /** Change who is signed in, and the record unless it is left out. Return the user. */
  #become(user, record) {
    if (record !== undefined) this.#store.put(record);
    const { signIn } = this.#record;
    if (!user || signIn !== this.#known) this.#turn += 1;
    if (!user) this.#request?.abort();
    this.#known = signIn;
    const isChanged = this.#user !== user;
    this.#user = user;
    // One that throws keeps nobody else from hearing.
    if (isChanged) for (const listener of this.#listeners) queueMicrotask(() => listener(user));
    if (user === undefined && this.#listeners.size > 0) this.session().catch(() => {});
    return user;
  }
}
