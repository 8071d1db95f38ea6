// What browsers take and give for passkeys (WebAuthn 3), for those as well that do not know its JSON yet.

import { GatepostError } from "./error.js";

const KEYS = () => globalThis.PublicKeyCredential;
const MESSAGES = {
  passkey_cancelled: "No passkey was used: it was cancelled, or it took too long.",
  passkey_exists: "This device or password manager has a passkey of this account already.",
  passkey_failed: "The browser could not use a passkey here.",
  passkeys_unsupported: "This browser has no passkeys at this address.",
};
const CODES = { NotAllowedError: "passkey_cancelled", AbortError: "passkey_cancelled", InvalidStateError: "passkey_exists" };

/** Whether the browser has passkeys at all: on https and localhost alone. */
export const isSupported = () => globalThis.isSecureContext === true && typeof KEYS() === "function";

/** Whether it offers them among what it fills in. */
export const canFill = async () => isSupported() && (await KEYS().isConditionalMediationAvailable?.()) === true;

/** Ask for a passkey, and return it as JSON. */
export async function get(options, request) {
  const publicKey = KEYS().parseRequestOptionsFromJSON?.(options) ?? {
    ...options,
    challenge: decode(options.challenge),
    allowCredentials: options.allowCredentials.map(withId),
  };
  return made(() => navigator.credentials.get({ ...request, publicKey }));
}

/** Make a passkey, and return it as JSON. */
export async function create(options, request) {
  const publicKey = KEYS().parseCreationOptionsFromJSON?.(options) ?? {
    ...options,
    challenge: decode(options.challenge),
    user: withId(options.user),
    excludeCredentials: options.excludeCredentials.map(withId),
  };
  return made(() => navigator.credentials.create({ ...request, publicKey }));
}

/** Tell the browser something of passkeys, if it wants to hear it (section 5.1.10). */
export async function signal(what, options) {
  try {
    await KEYS()?.[`signal${what}`]?.(options);
  } catch {
    // It is a hint, and nothing depends on it.
  }
}

export const failure = (code, cause) => new GatepostError({ code, message: MESSAGES[code] }, { cause });

async function made(ceremony) {
  let credential;
  try {
    credential = await ceremony();
  } catch (cause) {
    throw failure(CODES[cause?.name] ?? "passkey_failed", cause);
  }
  if (!credential) throw failure("passkey_cancelled");
  return jsonOfCredential(credential);
}

function jsonOfCredential(credential) {
  try {
    return credential.toJSON();
  } catch {
    // An older browser, or a password manager whose objects are not the browser's.
  }
  const { id, type, response, authenticatorAttachment } = credential;
  const parts = { transports: response.getTransports?.() };
  for (const name of ["clientDataJSON", "attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (response[name]) parts[name] = encode(response[name]);
  }
  const clientExtensionResults = credential.getClientExtensionResults?.() ?? {};
  return { id, rawId: id, type, authenticatorAttachment, clientExtensionResults, response: parts };
}

const withId = (object) => ({ ...object, id: decode(object.id) });

function decode(text) {
  const binary = atob(text.replaceAll("-", "+").replaceAll("_", "/"));
  return Uint8Array.from(binary, (character) => character.charCodeAt(0));
}

function encode(buffer) {
  const binary = String.fromCharCode(...new Uint8Array(buffer));
  return btoa(binary).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
}
