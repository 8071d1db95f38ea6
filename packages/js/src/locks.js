// Locks between tabs, on https and localhost, and not in every frame; without them, nobody waits.

const NEWS_MS = 1000;
const PAUSE_MS = 20;

/** Do something while no other tab does. */
export function alone(name, work) {
  let result;
  const begin = () => (result ??= work());
  return request(name, {}, begin).catch(begin);
}

/** Tell other tabs for a second that the storage has something new: a lock is seen at once, the storage a moment later. */
export const announce = (name) =>
  new Promise((resolve) => {
    const hold = () => {
      resolve();
      return pause(NEWS_MS);
    };
    request(`${name}:new`, { mode: "shared" }, hold).catch(resolve);
  });

/** Wait for something new, if another tab has announced it. */
export async function news(name, isThere) {
  const isAnnounced = () => request(`${name}:new`, { ifAvailable: true }, (lock) => lock === null).catch(() => false);
  while (!isThere() && (await isAnnounced())) await pause(PAUSE_MS);
}

const request = async (...sent) => globalThis.navigator.locks.request(...sent);

const pause = (milliseconds) => new Promise((resolve) => setTimeout(resolve, milliseconds));
