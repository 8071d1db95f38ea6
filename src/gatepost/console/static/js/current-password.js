// The fields that ask for the current password beside a change.

import { all, one, show } from "./ui.js";

/** Ask for it, or not: who has a second factor is asked for that, in a dialog, where they did not show it just now. */
export function askPassword(isAsked) {
  for (const field of all("[data-row] [data-field=currentPassword], #delete-form [data-field=password]")) {
    show(isAsked, field);
    one("input", field).disabled = !isAsked;
  }
}
