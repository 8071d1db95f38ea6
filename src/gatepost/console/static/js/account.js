import { showActivity } from "./activity.js";
import { bindData } from "./account-data.js";
import { bindForms } from "./account-forms.js";
import { bindRows, chooseAwaited, openRow } from "./account-rows.js";
import { showDevices } from "./devices.js";
import { restoreDraft } from "./drafts.js";
import { bindFactors, showFactors } from "./factors.js";
import { requireUser } from "./page.js";

const account = await requireUser();

const current = bindForms(account);
bindFactors(current);
bindData();
bindRows();
restoreDraft(account, ({ id }) => {
  const row = document.getElementById(id)?.closest("[data-row]");
  if (row) openRow(row);
});
await Promise.all([showFactors().then(chooseAwaited), showDevices(), showActivity()]);
