/** What `createClient` takes; all of it may be left out in a page that the service itself serves. */
export interface ClientOptions {
  /** Where the service is: `https://auth.example.com`, with a path if it has one. By default the page's own origin. */
  baseUrl?: string | URL;
  /**
   * `"cookie"` (the default): HttpOnly cookies that no script can read, for pages on the service's own site.
   * `"token"`: the client keeps the tokens and sends `Authorization: Bearer`, for other sites and outside of browsers.
   */
  transport?: "cookie" | "token";
  /**
   * What lasts over a reload: the tokens, or with cookies two random marks and nothing of the person. By default
   * `localStorage`, which all tabs share; where that is missing or forbidden, and with `null`, memory.
   */
  storage?: Pick<Storage, "getItem" | "setItem" | "removeItem"> | null;
  /** Further origins that the tokens, or cookies, may go to: services of yours that verify them. */
  origins?: Iterable<string | URL>;
  /** What sends the requests; by default `globalThis.fetch`. */
  fetch?: typeof fetch;
  /**
   * Asks the person to prove who they are, when an answer of 401 wants that (`step_up_required`, RFC 9470): it calls
   * `reauthenticate` with a proof by one of the error's `methods`, and resolves to true once that has worked; the call is
   * repeated then. With false, and without this option, `fetch` resolves to the 401.
   */
  stepUp?: (error: GatepostError) => boolean | Promise<boolean>;
  /** How many milliseconds an answer to a refresh may take before it counts as lost; 8000 by default. */
  refreshTimeout?: number;
}

/** An account. What sign-in does not tell is there after `session()`. */
export interface User {
  id: number;
  username: string;
  email: string;
  /** Such as `"ROLE_USER"`. */
  roles: string[];
  /** Such as `"users:read"`; `"*"` is all. */
  permissions?: string[];
  emailVerified?: boolean;
  language?: string;
  /** ISO 8601, UTC. */
  createdAt?: string;
}

/** Who has signed in. */
export interface SignedIn extends User {
  /** New ones, shown only once: the person has to keep them. `user` never has them. */
  recoveryCodes?: string[];
}

/** What a browser has answered to options for a passkey. `@gatepost/client/passkeys` does all of it. */
export interface PasskeyAnswer {
  /** Of the options. */
  challengeId: string;
  /** What `toJSON()` of the browser's answer returns. */
  credential: object;
}

export interface SignUp extends Partial<PasskeyAnswer> {
  username: string;
  email: string;
  /** Or a passkey in its place. */
  password?: string;
  /** The token of an invitation's link. */
  invitation?: string;
  [field: string]: unknown;
}

/** One name and the password, or a passkey. */
export type Credentials =
  | PasskeyAnswer
  | { username: string; email?: undefined; password: string }
  | { email: string; username?: undefined; password: string };

/** What shows a second factor by a code: an authenticator app, or a recovery code. */
export type SecondFactor = "totp" | "recovery_code";

/** What continues a sign-in: the `pendingToken` of `second_factor_required`, and a code or a passkey. */
export type Continuation = {
  pendingToken: string;
  /** Whether this device is asked for no second factor for some time. */
  trustDevice?: boolean;
} & (
  | {
      method: SecondFactor;
      /** Spaces and hyphens do not matter. */
      code: string;
    }
  | ({ method: "passkey" } & PasskeyAnswer)
);

/** A proof of who is signed in. An account with a second factor shows it; the others give their password. */
export type Proof =
  | { method: "password"; password: string }
  | ({ method: "passkey" } & PasskeyAnswer)
  | {
      method: SecondFactor;
      /** Spaces and hyphens do not matter. */
      code: string;
    };

/** Another provider that people sign in with. */
export interface Provider {
  /** Its name in addresses: `"google"`. */
  name: string;
  /** For people: `"Google"`. */
  title: string;
  /** What it is, and which mark it has: `"google"`, `"github"`, `"oidc"`, … */
  kind: string;
}

/** The ways in that a deployment has set up. */
export interface WaysIn {
  providers: Provider[];
  /** Whether `emailCode` sends codes. */
  emailSignIn: boolean;
}

/** A code of a mail and the address that it went to, or the token of the mail's link. */
export type EmailProof =
  | {
      email: string;
      /** Spaces do not matter. */
      code: string;
    }
  | {
      token: string;
      /** Whether this device is signed in although another one has asked. */
      elsewhere?: boolean;
    };

/** A field of a body that was refused. */
export interface FieldError {
  field: string;
  code: string;
  message: string;
}

/** A refusal of the API (RFC 9457), or what kept an answer away. */
export class GatepostError extends Error {
  readonly name: "GatepostError";
  /** The HTTP status; 0 where no answer came. */
  readonly status: number;
  /**
   * Stable, for programs. Those of the service are listed at its `/errors`. Of this package: `unreachable`,
   * `unexpected_answer`, `tokens_in_cookies`, `stream_not_repeated`, and `failed` for an answer without a code.
   */
  readonly code: string;
  readonly title: string;
  /** What is wrong with each field; often empty. */
  readonly errors: readonly FieldError[];
  /** Under which the service's log has the request; "" if it said none. */
  readonly requestId: string;
  /** Seconds after which to try again, or null. */
  readonly retryAfter: number | null;
  /** With the code `second_factor_required` alone: what `continueSignIn` takes, once, and for no other sign-in. */
  readonly pendingToken?: string;
  /** With that code and `step_up_required`: what the account has; this package may know fewer than the service. */
  readonly methods?: readonly (SecondFactor | "password" | (string & {}))[];
  /** With `second_factor_required`: the seconds in which to continue. */
  readonly expiresIn?: number;
  /** With `step_up_required`: the seconds for which a proof is fresh, and the values of `acr` that are enough. */
  readonly maxAge?: number;
  readonly acrValues?: readonly string[];
  /** The whole body of the refusal; of FastAPI's, its `detail`. */
  readonly problem: Readonly<Record<string, unknown>>;
}

export interface Client {
  /**
   * Who is signed in, as far as this tab knows: `undefined` before `session()` or a sign-in has told, `null` for nobody.
   * The same object until it changes.
   */
  readonly user: User | null | undefined;

  /** Whether somebody was signed in here last: enough to choose what to show first. It proves nothing. */
  readonly isRemembered: boolean;

  /** Hear of every change of `user`, in this tab or another; returns what ends that. */
  onChange(listener: (user: User | null | undefined) => void): () => void;

  /**
   * Ask the service who is signed in.
   *
   * Throws a GatepostError where that cannot be known, such as `unreachable`; `user` stays as it was.
   */
  session(): Promise<User | null>;

  /** Make an account and sign in; null where a mail tells how to go on. Throws a GatepostError. */
  signUp(account: SignUp): Promise<SignedIn | null>;

  /**
   * Sign in, in all tabs. The session that it replaces ends. Throws a GatepostError.
   *
   * Where the account has a second factor, its code is `second_factor_required`: continue with `continueSignIn`.
   */
  signIn(credentials: Credentials): Promise<User>;

  /**
   * Go on with a sign-in, as `signIn`. Throws a GatepostError: after `invalid_code` another code may be tried, after
   * `pending_sign_in_invalid` only a new sign-in helps.
   */
  continueSignIn(continuation: Continuation): Promise<SignedIn>;

  /** Return the ways in besides passwords and passkeys. Throws a GatepostError. */
  providers(): Promise<WaysIn>;

  /**
   * Leave for a provider, whose answer comes back to the service. Who is signed in then arrives at `returnTo` (by default
   * this page), at an allowed origin; a sign-in that needs more arrives at the service's sign-in page first. `invitation` is the
   * token of an invitation's link. For the transport `"cookie"`. Throws a GatepostError: `provider_unknown`,
   * `provider_unavailable`.
   */
  signInWith(name: string, options?: { returnTo?: string; invitation?: string }): Promise<void>;

  /**
   * Sign in with what a provider has answered in this browser, as `signIn`, on pages of your own. Throws a GatepostError:
   * `account_exists` and `email_needed` tell the provider and the address in `problem`.
   */
  continueProvider(): Promise<User>;

  /**
   * Make the account of somebody whose provider has named no address: with a code that `POST /api/auth/providers/email` has
   * sent to one. Throws a GatepostError.
   */
  signUpWithProvider(account: { email: string; code: string; username?: string }): Promise<User>;

  /**
   * Send a code to an address, whether it has an account or not; `resendAfter` is the seconds to wait for the mail before
   * another one. Throws a GatepostError.
   */
  emailCode(email: string): Promise<{ resendAfter: number }>;

  /** Sign in with a code, in the browser that asked for it, as `signIn`. Throws a GatepostError: `invalid_code`. */
  signInWithEmailCode(proof: EmailProof): Promise<User>;

  /**
   * Sign out, in all tabs, at once and whatever the network says.
   *
   * Throws a GatepostError where the service could not be told. With cookies, no call sends them from then on, and the next
   * load of a page, `session()` or `signOut()` tells it; with tokens, they are forgotten, and the session ends by itself.
   */
  signOut(): Promise<void>;

  /**
   * Prove once more who is signed in; calls that need a fresh proof pass for some minutes then. Throws a GatepostError: after
   * `invalid_code` or `wrong_password` it may be tried again.
   */
  reauthenticate(proof: Proof): Promise<void>;

  /** Get tokens that know the account as it is now, such as after a change of its name; whether somebody is signed in. */
  refresh(): Promise<boolean>;

  /**
   * `fetch`, in the name of who is signed in. An address that begins with a slash is one of the service.
   *
   * An answer of 401 that refuses the access token starts a refresh, one for all calls of all tabs, and the call is
   * repeated once. Resolves to the 401 where the session has ended; `user` is null then. Rejects with a GatepostError
   * where the refresh failed otherwise: the session goes on, and nobody is signed out. Also rejects with one,
   * `stream_not_repeated`, where the body is a stream and cannot be sent again.
   *
   * To origins that are not the service's or listed in `origins`, and with an `Authorization` of your own, it is `fetch`.
   */
  fetch(input: RequestInfo | URL, init?: RequestInit): Promise<Response>;
}

/** Make a client; one for each service is enough. Throws a TypeError for options that cannot be. */
export function createClient(options?: ClientOptions): Client;

/** Return what an answer with a status of 400 or more says: of the service, or of yours that use `gatepost.sdk`. */
export function errorOf(answer: Response): Promise<GatepostError>;
