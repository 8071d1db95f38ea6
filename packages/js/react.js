import { useCallback, useEffect, useState, useSyncExternalStore } from "react";

/** Who is signed in, the error that kept us from knowing, and a way to ask again; see react.d.ts. */
export function useSession(client) {
  const user = useSyncExternalStore(client.onChange, () => client.user, unknown);
  const [error, setError] = useState(null);
  const reload = useCallback(() => client.session().then(() => setError(null), setError), [client]);
  useEffect(() => {
    if (user === undefined) reload();
  }, [user, reload]);
  return { user, error, reload };
}

const unknown = () => undefined;
