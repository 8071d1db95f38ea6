// One's own accounts at other providers: linking and unlinking them.

import { post, remove } from "./api.js";
import { showDevices } from "./devices.js";
import { open } from "./forms.js";
import { attempt } from "./page.js";
import { bindProviders, providerOf } from "./providers.js";
import { all, ask, list, one, show, toast } from "./ui.js";
import { ago, data, day, moment, say } from "./words.js";

const ME = "/api/users/me/identities";

const row = one("#identities");
const container = one("#identity-list");
const names = one("[data-identity-names]");
const form = one("#identities-form");

/** Let identities be changed; `reload()` shows them as they are then. */
export function bindIdentities(reload) {
  open(form, (event) => event.preventDefault());
  bindProviders(form, link);
  container.addEventListener("click", async ({ target }) => {
    const { unlink } = target.closest("button")?.dataset ?? {};
    if (unlink) await takeAway(unlink, reload);
  });
}

async function link(name) {
  const { authorizationUrl } = await post(`/api/auth/providers/${name}/start`, { purpose: "link" });
  location.assign(authorizationUrl);
}

/** Show the identities of an account. */
export function showIdentities(identities) {
  const isShown = identities.length > 0 || data.providers.length > 0;
  show(isShown, row, one("[data-leads-to=identities]"), one("[data-act=manage]", row));
  const titles = [...new Set(identities.map(({ title }) => title))];
  names.textContent = titles.length > 0 ? titles.join(", ") : say("account.client.identities.none");
  list(container, one("#identity"), identities.map(described));
  for (const button of all("[data-provider]", form)) {
    show(!identities.some(({ provider }) => provider === button.dataset.provider), button);
  }
}

function described(identity) {
  const { provider, title, createdAt, lastUsedAt } = identity;
  const used = (when) => say("account.client.used", { when });
  return {
    ...identity,
    mark: providerOf(provider, title).mark,
    linked: say("account.client.identities.since", { date: day(createdAt) }),
    used: lastUsedAt ? used(ago(lastUsedAt)) : say("account.client.identities.unused"),
    used_at: lastUsedAt && used(moment(lastUsedAt)),
    unlink: say("account.client.identities.unlink", { provider: title }),
  };
}

async function takeAway(id, reload) {
  const title = one(`li:has([data-unlink="${id}"]) [data-text=title]`, container).textContent;
  const question = say("account.client.identities.unlink_title", { provider: title });
  if (!(await ask(one("#unlink-identity"), { "#unlink-identity-title": question }))) return;
  const isDone = await attempt(async () => {
    await remove(`${ME}/${id}`);
    await reload();
  });
  if (!isDone) return;
  toast(say("account.client.identities.unlinked", { provider: title }));
  one(row.checkVisibility() ? "#identities-title" : "#password-title").focus();
  await showDevices();
}
