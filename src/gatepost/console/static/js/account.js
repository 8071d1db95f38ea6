import { showActivity } from "./activity.js";
import { bindData } from "./account-data.js";
import { bindForms } from "./account-forms.js";
import { showDevices } from "./devices.js";
import { restoreDraft } from "./drafts.js";
import { requireUser } from "./page.js";

const account = await requireUser();

bindForms(account);
bindData();
restoreDraft(account);
await Promise.all([showDevices(), showActivity()]);
