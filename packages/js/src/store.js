/** The storage that all tabs of an origin share; null where there is none, or where the browser forbids it. */
export function sharedStorage() {
  try {
    return globalThis.window?.localStorage ?? null;
  } catch {
    return null;
  }
}

/** One record under one key: in the storage while that works, in memory otherwise. */
export class Store {
  #storage;
  #key;
  #kept = null;

  constructor(storage, key) {
    this.#storage = storage;
    this.#key = key;
  }

  /** The text of the record, or null. */
  get text() {
    try {
      return this.#storage ? this.#storage.getItem(this.#key) : this.#kept;
    } catch {
      return this.#kept;
    }
  }

  /** Replace the record; null removes it. */
  put(record) {
    this.#kept = record && JSON.stringify(record);
    try {
      if (record) this.#storage?.setItem(this.#key, this.#kept);
      else this.#storage?.removeItem(this.#key);
    } catch {
      this.#storage = null;
    }
  }

  /** Call `listener` when another tab may have changed the record, also while the page lay in the browser's memory. */
  onChange(listener) {
    globalThis.addEventListener?.("storage", ({ key }) => {
      if (key === this.#key || key === null) listener();
    });
    globalThis.addEventListener?.("pageshow", listener);
  }
}

/** Return the record of a text; a text that is not ours is no record. */
export function read(text) {
  try {
    return Object(JSON.parse(text));
  } catch {
    return {};
  }
}

/** Return a text without the access token, which a fresh proof replaces. */
export const lasting = (text) => JSON.stringify({ ...read(text), accessToken: null });

/** Whether two are of one sign-in; of cookies that came from elsewhere, that is not known. */
export function isSameSignIn(...texts) {
  const [held, now] = texts.map((text) => read(text).signIn);
  return held ? held === now : !(now > 0);
}
