import type { Client, GatepostError, User } from "@gatepost/client";

/**
 * Who is signed in: `undefined` until it is known, `null` for nobody. Asks the service once it is used.
 *
 * `error` is what kept the answer away, or null; `reload` asks again.
 */
export function useSession(client: Client): {
  user: User | null | undefined;
  error: GatepostError | null;
  reload: () => Promise<void>;
};
