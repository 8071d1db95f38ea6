// A certified OpenID Provider on this machine: node provider.mjs PORT CLIENT_ID CLIENT_SECRET REDIRECT_URI…
import { generateKeyPairSync, randomUUID } from "node:crypto";
import { Provider } from "oidc-provider";

const [port, client_id, client_secret, ...redirect_uris] = process.argv.slice(2);
const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [{ client_id, client_secret, redirect_uris, id_token_signed_response_alg: "ES256" }],
  // New ones at each start: to start again is to rotate them.
  jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: randomUUID(), alg: "ES256", use: "sig" }] },
  cookies: { keys: [randomUUID()] },
  claims: { email: ["email", "email_verified"], profile: ["name", "preferred_username"] },
  // Whoever signs in as jane is jane@acme.example; any password will do.
  findAccount: (_, id) => ({
    accountId: id,
    claims: () => ({
      sub: id, email: `${id}@acme.example`, email_verified: true, name: `The ${id}`, preferred_username: id,
    }),
  }),
  pkce: { required: () => true },
  ttl: { Session: 3600, Grant: 3600, Interaction: 600, AccessToken: 600, IdToken: 600 },
});
provider.listen(Number(port), "127.0.0.1", () => console.log("listening"));
