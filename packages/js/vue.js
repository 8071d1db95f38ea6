import { onScopeDispose, shallowReadonly, shallowRef } from "vue";

export function useSession(client) {
  const user = shallowRef();
  const error = shallowRef(null);
  const tell = (problem) => (error.value = problem);
  const reload = () => client.session().then(() => tell(null), tell);
  const show = (next) => {
    user.value = next;
    if (next === undefined) reload();
    else tell(null);
  };
  onScopeDispose(client.onChange(show));
  show(client.user);
  return { user: shallowReadonly(user), error: shallowReadonly(error), reload };
}
