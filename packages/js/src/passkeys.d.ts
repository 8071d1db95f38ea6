import type { Client, SignedIn, User } from "@gatepost/client";

/** A passkey of one's own. */
export interface Passkey {
  id: number;
  name: string;
  /** What its authenticator claims to be; nothing proves it. */
  provider: string | null;
  /** Whether its authenticator keeps it on several devices. */
  synced: boolean;
  /** base64url. */
  credentialId: string;
  /** The domain that it was made for. */
  rpId: string;
  /** ISO 8601, UTC. */
  createdAt: string;
  lastUsedAt: string | null;
}

export interface AddedPasskey extends Passkey {
  /** Ten, shown only once, with the first second factor of an account; else empty. */
  recoveryCodes: string[];
}

export interface OwnPasskeys {
  /** The domain of new passkeys; null where they are not available. */
  rpId: string | null;
  /** What browsers know the account by, base64url; null where there never was a passkey. */
  userHandle: string | null;
  username: string;
  /** The oldest first. */
  passkeys: Passkey[];
}

/**
 * Passkeys in a browser. Every method rejects with a GatepostError. Besides those of the service, its codes are
 * `passkey_cancelled` (by the person, after a while, or by another call: a browser does one at a time), `passkey_exists`
 * (this device has one of the account), `passkeys_unsupported`, and `passkey_failed` with a `cause`.
 */
export interface Passkeys {
  /** Whether this browser has passkeys; on https and http://localhost alone. */
  readonly areSupported: boolean;

  /** Whether it also offers them where a field asks for a user name. */
  canAutofill(): Promise<boolean>;

  /** Sign in with a passkey that the person chooses, as `signIn` of the client. */
  signIn(): Promise<User>;

  /**
   * Offer passkeys in a field with `autocomplete="username webauthn"`, for as long as the page is open, and sign in with the
   * one that is chosen there. Resolves to null where the browser cannot do that, and when another method is called: call it
   * again then.
   */
  autofill(): Promise<User | null>;

  /**
   * Make an account that has a passkey and no password, and sign in; null where a mail tells how to go on. The person has to
   * keep its `recoveryCodes`.
   */
  signUp(account: { username: string; email: string; invitation?: string; [field: string]: unknown }): Promise<SignedIn | null>;

  /** Add a passkey to the account that is signed in; `password` is a proof for those that have no second factor. */
  add(options?: { name?: string; password?: string }): Promise<AddedPasskey>;

  /** Continue a pending sign-in with one of the account's passkeys. */
  continueSignIn(options: { pendingToken: string; trustDevice?: boolean }): Promise<SignedIn>;

  /** Prove by a passkey who is signed in, as `reauthenticate` of the client. */
  reauthenticate(): Promise<void>;

  /**
   * Return the passkeys of the account. The browser hears which of them are good, and what the account is called, so that
   * it offers no others: call it after each change of a passkey or the user name. While one is being added, also in another
   * tab, it hears nothing.
   */
  list(): Promise<OwnPasskeys>;
}

/** Make passkeys for a client; one for each is enough. */
export function createPasskeys(client: Client): Passkeys;
