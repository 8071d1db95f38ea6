// What a browser has for passkeys, in Node: an authenticator with keys of P-256, at the origin of the service's settings.
import { createHash, generateKeyPairSync, randomBytes, sign } from "node:crypto";

const ORIGIN = "http://localhost:8080";
// Somebody is there, and verified; a new key comes with it.
const FLAGS = 0x05;
const NEW_KEY = 0x40;

const sha256 = (data) => createHash("sha256").update(data).digest();
const base64url = (data) => Buffer.from(data).toString("base64url");
const buffer = (data) => Uint8Array.from(data).buffer;

/** CBOR (RFC 8949), as much of it as is needed here: nothing is longer than 255. */
function cbor(value) {
  const head = (major, size) => Buffer.from(size < 24 ? [(major << 5) | size] : [(major << 5) | 24, size]);
  if (typeof value === "number") return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === "string") return Buffer.concat([head(3, value.length), Buffer.from(value)]);
  if (value instanceof Uint8Array) return Buffer.concat([head(2, value.length), value]);
  return Buffer.concat([head(5, value.size), ...[...value].flat().map(cbor)]);
}

/**
 * Put a browser's parts into `globalThis`. `isOld`: it knows no JSON. `calls` are the options of each ceremony, `signals`
 * what it was told, and `keys` its passkeys; `answer` makes what the next ceremonies come to, in the place of a passkey.
 */
export function browser({ isOld = false } = {}) {
  const it = { keys: new Map(), calls: [], signals: [], answer: null };
  const credential = (id, response) => {
    const made = { id: base64url(id), rawId: buffer(id), type: "public-key", getClientExtensionResults: () => ({}) };
    made.response = Object.fromEntries(Object.entries(response).map(([name, data]) => [name, buffer(data)]));
    if (isOld) return made;
    const json = Object.fromEntries(Object.entries(response).map(([name, data]) => [name, base64url(data)]));
    made.toJSON = () => ({ ...made, rawId: made.id, response: json, clientExtensionResults: {} });
    return made;
  };
  const clientData = (type, challenge) =>
    Buffer.from(JSON.stringify({ type, challenge: base64url(challenge), origin: ORIGIN, crossOrigin: false }));
  const data = (rpId, flags, count, rest = Buffer.alloc(0)) =>
    Buffer.concat([sha256(rpId), Buffer.from([flags, 0, 0, 0, count]), rest]);

  async function create(options) {
    it.calls.push(options);
    if (it.answer) return it.answer(options);
    const { publicKey: { challenge, rp, user } } = options;
    const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
    const id = randomBytes(20);
    const [x, y] = ["x", "y"].map((name) => Buffer.from(publicKey.export({ format: "jwk" })[name], "base64url"));
    const key = cbor(new Map([[1, 2], [3, -7], [-1, 1], [-2, x], [-3, y]]));
    const attested = Buffer.concat([Buffer.alloc(16), Buffer.from([0, id.length]), id, key]);
    it.keys.set(base64url(id), { privateKey, id, handle: Buffer.from(user.id), count: 0 });
    const object = new Map([["fmt", "none"], ["attStmt", new Map()], ["authData", data(rp.id, FLAGS | NEW_KEY, 0, attested)]]);
    return credential(id, { clientDataJSON: clientData("webauthn.create", challenge), attestationObject: cbor(object) });
  }

  async function get(options) {
    it.calls.push(options);
    if (it.answer) return it.answer(options);
    const { publicKey: { challenge, rpId, allowCredentials = [] } } = options;
    const allowed = allowCredentials.map(({ id }) => base64url(id));
    const key = [...it.keys.entries()].find(([name]) => allowed.length === 0 || allowed.includes(name))?.[1];
    if (!key) throw new DOMException("nobody chose one", "NotAllowedError");
    key.count += 1;
    const [authenticatorData, clientDataJSON] = [data(rpId, FLAGS, key.count), clientData("webauthn.get", challenge)];
    const signature = sign("sha256", Buffer.concat([authenticatorData, sha256(clientDataJSON)]), key.privateKey);
    return credential(key.id, { clientDataJSON, authenticatorData, signature, userHandle: key.handle });
  }

  const parsed = (options) => JSON.parse(JSON.stringify(options), (name, value) =>
    ["challenge", "id"].includes(name) && typeof value === "string" && !/^localhost$/.test(value)
      ? Uint8Array.from(Buffer.from(value, "base64url")) : value);
  class PublicKeyCredential {
    static isConditionalMediationAvailable = async () => true;
  }
  if (!isOld) {
    PublicKeyCredential.parseCreationOptionsFromJSON = parsed;
    PublicKeyCredential.parseRequestOptionsFromJSON = parsed;
    for (const name of ["UnknownCredential", "AllAcceptedCredentials", "CurrentUserDetails"]) {
      PublicKeyCredential[`signal${name}`] = async (options) => it.signals.push({ name, ...options });
    }
  }
  const parts = { PublicKeyCredential, isSecureContext: true, navigator: { credentials: { create, get } } };
  for (const [name, value] of Object.entries(parts)) {
    Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
  }
  return it;
}

/** An answer that never comes, but for the end of its signal. */
export const waiting = ({ signal }) =>
  new Promise((_, reject) => signal.addEventListener("abort", () => reject(new DOMException("aborted", "AbortError"))));
