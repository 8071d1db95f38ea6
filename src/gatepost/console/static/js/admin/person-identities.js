// The accounts of a person at other providers.

import { act, confirm } from "./common.js";
import { providerOf } from "../providers.js";
import { all, list, one, show } from "../ui.js";
import { ago, day, moment, say } from "../words.js";

/** Show them. Where `mayUnlink`, `unlink(id)` unlinks one after a question, and `reload()` follows. */
export function showIdentities({ username: name, identities }, { mayUnlink, unlink, reload }) {
  const text = (key, values) => say(`admin_person.client.identities.${key}`, { name, ...values });
  const used = (when) => say("admin_person.client.used", { when });
  show(identities.length > 0, one("[data-identities-card]"));
  list(
    one("[data-identities]"),
    one("#identity-row"),
    identities.map((identity) => ({
      ...identity,
      ...providerOf(identity.provider),
      mayUnlink,
      linked: text("since", { date: day(identity.createdAt) }),
      used: identity.lastUsedAt ? used(ago(identity.lastUsedAt)) : text("unused"),
      used_at: identity.lastUsedAt && used(moment(identity.lastUsedAt)),
      unlink: text("unlink", { provider: providerOf(identity.provider).title }),
    })),
  );
  for (const [index, button] of all("[data-unlink]", one("[data-identities]")).entries()) {
    button.addEventListener("click", () => ask(identities[index]));
  }

  async function ask({ id, provider: own }) {
    const provider = providerOf(own).title;
    const isSure = await confirm({
      title: text("title", { provider }),
      consequences: [text("gone", { provider }), text("sessions"), text("mail")],
      yes: text("yes"),
    });
    if (isSure && (await act(() => unlink(id), { done: text("done", { provider }), reload }))) await reload();
  }
}
