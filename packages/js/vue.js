import { onScopeDispose, shallowReadonly, shallowRef } from "vue";

export function useSession(client) {
  const user = shallowRef(client.user);
  const error = shallowRef(null);
  const tell = (problem) => (error.value = problem);
  const reload = () => client.session().then(() => tell(null), tell);
  onScopeDispose(client.onChange((next) => (user.value = next)));
  if (client.user === undefined) reload();
  return { user: shallowReadonly(user), error: shallowReadonly(error), reload };
}
