import { asked } from "./calls.js";

// A cookie binds a provider's answer, and a code, to the browser that asked; the tokens may come without one.
const BOUND = { credentials: "include" };

/** Return the methods of a client that lead to a session. `enter(path, body)` signs in, `fetch` is the client's. */
export const waysIn = (enter, fetch) => ({
  signUp: (account) => enter("/api/auth/signup", account),

  signIn: (credentials) => enter(`/api/auth/${credentials.credential ? "passkeys/" : ""}signin`, credentials),

  continueSignIn: (proof) => enter("/api/auth/signin/continue", proof),

  providers: () => asked(fetch, "/api/auth/providers"),

  signInWith: async (name, { returnTo = globalThis.location?.href, invitation } = {}) => {
    const path = `/api/auth/providers/${encodeURIComponent(name)}/start`;
    const { authorizationUrl } = await asked(fetch, path, { purpose: "signin", returnTo, invitation }, BOUND);
    globalThis.location.assign(authorizationUrl);
  },

  continueProvider: () => enter("/api/auth/providers/continue", {}, BOUND),

  signUpWithProvider: (proof) => enter("/api/auth/providers/signup", proof, BOUND),

  emailCode: (email) => asked(fetch, "/api/auth/email-code", { email }, BOUND),

  signInWithEmailCode: (proof) => enter("/api/auth/email-code/signin", proof, BOUND),
});
