import { onScopeDispose, shallowReadonly, shallowRef } from "vue";

/** Who is signed in, the error that kept us from knowing, and a way to ask again; see vue.d.ts. */
export function useSession(client) {
  const user = shallowRef(client.user);
  const error = shallowRef(null);
  const reload = () =>
    client.session().then(
      () => (error.value = null),
      (problem) => (error.value = problem),
    );
  const stop = client.onChange((next) => (user.value = next));
  onScopeDispose(stop);
  if (client.user === undefined) reload();
  return { user: shallowReadonly(user), error: shallowReadonly(error), reload };
}
