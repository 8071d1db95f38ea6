// The password of an account that can do without one.

import { post, remove } from "./api.js";
import { askPassword } from "./current-password.js";
import { showDevices } from "./devices.js";
import { handle } from "./forms.js";
import { attempt } from "./page.js";
import { isGoodHere } from "./passkeys.js";
import { closeRow } from "./account-rows.js";
import { ask, one, show, toast } from "./ui.js";
import { say } from "./words.js";

const row = one("#password");
const change = one("#password-form");
const mail = one("#password-mail-form");

/** Let the password be removed, and set again by mail; `reload()` shows what the account has then. */
export function bindPassword(account, reload) {
  show(true, one("[data-act=change]", row));
  one("[data-remove-password]").addEventListener("click", async () => {
    if (!(await ask(one("#remove-password")))) return;
    const isDone = await attempt(async () => {
      await remove("/api/users/me/password");
      await reload();
    });
    if (!isDone) return;
    closeRow(row);
    toast(say("account.client.password_removed"));
    await showDevices();
  });
  handle(mail, async () => {
    const { email } = account();
    await post("/api/auth/password/forgot", { email });
    closeRow(row);
    toast(say("account.client.email_sent", { email }));
  });
}

/** Show what can be done, by what an account has. */
export function showPassword({ hasPassword, passkeys }, hasFactor) {
  // Who has a second factor is asked for that, in a dialog, where they did not show it just now.
  askPassword(hasPassword && !hasFactor);
  show(hasPassword, change, one("[data-act=change]", row), one("[data-has-password]"));
  show(!hasPassword, mail, one("[data-act=set_up]", row), one("[data-no-password]"));
  show(hasPassword && passkeys.some(isGoodHere), one("[data-without-password]"));
}
