import type { Client, GatepostError, User } from "@gatepost/client";
import type { Ref } from "vue";

/**
 * Who is signed in: `undefined` until it is known, `null` for nobody. Asks the service; ends with the component.
 *
 * `error` is what kept the answer away, or null; `reload` asks again.
 */
export function useSession(client: Client): {
  readonly user: Readonly<Ref<User | null | undefined>>;
  readonly error: Readonly<Ref<GatepostError | null>>;
  reload: () => Promise<void>;
};
