import { showActivity } from "./activity.js";
import { bindData } from "./account-data.js";
import { bindForms } from "./account-forms.js";
import { bindRows } from "./account-rows.js";
import { showDevices } from "./devices.js";
import { requireUser } from "./page.js";

const account = await requireUser();

bindForms(account);
bindData();
bindRows();
await Promise.all([showDevices(), showActivity()]);
