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
    const done = this.#last.then(() => holding(this.name, {}, work));
    this.#last = done.catch(() => {});
    return done;
  }

  /** Tell other tabs for a second of something new: a lock is seen at once, the storage a moment later. */
  announce() {
    return new Promise((resolve) => {
      request(`${this.name}:new`, { mode: "shared" }, () => resolve() ?? pause(NEWS_MS)).catch(resolve);
    });
  }

  /** Wait for something new, if another tab has announced it. */
  async news(isThere) {
    const isAnnounced = () => holding(`${this.name}:new`, { ifAvailable: true }, (lock) => lock === null);
    while (!isThere() && (await isAnnounced())) await pause(PAUSE_MS);
  }
}

/** Do something with a lock, if there are locks; `work` gets null where others have it (`ifAvailable`). */
export function holding(name, options, work) {
  let result;
  const begin = (lock) => (result ??= work(lock));
  return request(name, options, begin).catch(begin);
}

const request = async (...sent) => globalThis.navigator.locks.request(...sent);

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
