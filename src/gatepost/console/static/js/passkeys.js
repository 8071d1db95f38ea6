// Passkeys, where the browser has them and the address of this page is one that they are good at.

import { client } from "./api.js";
import { createPasskeys } from "./client/passkeys.js";
import { data } from "./words.js";

export const passkeys = createPasskeys(client);

const { rpId } = data;
const { hostname } = location;

/** Whether this page can use and make passkeys. */
export const areOffered = rpId !== null && passkeys.areSupported && (hostname === rpId || hostname.endsWith(`.${rpId}`));

/** Whether a passkey is good at this service. */
export const isGoodHere = (passkey) => rpId !== null && passkey.rpId === rpId;
