import { useCallback, useEffect, useState, useSyncExternalStore } from "react";

export function useSession(client) {
  const user = useSyncExternalStore(client.onChange, () => client.user, unknown);
  const [error, setError] = useState(null);
  const reload = useCallback(() => client.session().then(() => setError(null), setError), [client]);
  useEffect(() => {
    if (user === undefined) reload();
    else setError(null);
  }, [user, reload]);
  return { user, error, reload };
}

const unknown = () => undefined;
