// Locks between tabs, on https and localhost, and not in every frame; without them, a tab waits for itself.

const NEWS_MS = 1000;
const PAUSE_MS = 20;

export class Lock {
  #last = Promise.resolve();

  constructor(name) {
    this.name = name;
  }

  /** Do something while no other tab does, and after what this one does. */
  alone(work) {
    let result;
    const begin = () => (result ??= work());
    const done = this.#last.then(() => request(this.name, {}, begin)).catch(begin);
    this.#last = done.catch(() => {});
    return done;
  }

  /** Tell other tabs for a second that the storage has something new: a lock is seen at once, the storage a moment later. */
  announce() {
    return new Promise((resolve) => {
      const hold = () => resolve() ?? pause(NEWS_MS);
      request(`${this.name}:new`, { mode: "shared" }, hold).catch(resolve);
    });
  }

  /** Wait for something new, if another tab has announced it. */
  async news(isThere) {
    const isAnnounced = () => request(`${this.name}:new`, { ifAvailable: true }, (lock) => lock === null).catch(() => false);
    while (!isThere() && (await isAnnounced())) await pause(PAUSE_MS);
  }
}

/** Do something; `work` gets a lock, or null where another tab has it. */
export const request = async (...sent) => globalThis.navigator.locks.request(...sent);

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
