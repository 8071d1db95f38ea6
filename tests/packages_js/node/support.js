// What the tests in Node share. The service is at URL; its clock and its network are told what to do by `control`.
import { createServer } from "node:http";
import { createClient } from "../../../packages/js/src/client.js";

export const URL_OF_SERVICE = process.env.GATEPOST_URL;
export const PASSWORD = "correct horse";
let number = 0;

/** Tell the clock or the network something; return the calls that the service has answered since the last time. */
export async function control(what, asked = {}) {
  const answer = await fetch(`${URL_OF_SERVICE}/control/${what}`, { method: "POST", body: JSON.stringify(asked) });
  return answer.json();
}

export const expire = () => control("wait", { hours: 24, seconds: 1 });
export const spoil = (path, ...faults) => control("spoil", { path, faults });
export const refreshesOf = (calls) => calls.filter((call) => call.endsWith("/api/auth/refreshtoken"));

/** A storage as browsers have it, for clients that stand for tabs. */
export function memory() {
  const kept = new Map();
  return {
    kept,
    getItem: (key) => kept.get(key) ?? null,
    setItem: (key, value) => kept.set(key, value),
    removeItem: (key) => kept.delete(key),
  };
}

/** A client by tokens. */
export function client(options) {
  return createClient({ baseUrl: URL_OF_SERVICE, transport: "token", storage: memory(), ...options });
}

/** A length of time that only `timeouts` ends. */
export const FOREVER = 123_456_789;

/** Return what ends every wait of FOREVER by hand: no test depends on how fast a machine is. */
export function timeouts(t) {
  const real = setTimeout;
  const waiting = [];
  t.mock.method(globalThis, "setTimeout", (work, time, ...rest) =>
    time === FOREVER ? waiting.push(work) : real(work, time, ...rest),
  );
  return () => waiting.splice(0).forEach((work) => work());
}

/** A new account. */
export function account() {
  number += 1;
  const username = `Abbey ${process.pid} ${number}`;
  return { username, email: `${username.replaceAll(" ", ".")}@example.com`, password: PASSWORD };
}

/** A client that has just signed somebody up; the calls so far are forgotten. */
export async function signedIn(options) {
  const made = client(options);
  await made.signUp(account());
  await control("calls");
  return made;
}

/** Run work while a server that belongs to somebody else listens; return what it was sent. */
export async function withStranger(work) {
  const requests = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (part) => (body += part));
    request.on("end", () => {
      requests.push({ url: request.url, headers: request.headers, body });
      response.writeHead(request.url === "/refuse" ? 401 : 200, { "WWW-Authenticate": 'Bearer error="invalid_token"' });
      response.end();
    });
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  try {
    await work(`http://127.0.0.1:${server.address().port}`);
  } finally {
    server.closeAllConnections();
    server.close();
  }
  return requests;
}
