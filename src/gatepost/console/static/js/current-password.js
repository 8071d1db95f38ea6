// The fields that ask for the current password beside a change.

import { all, one, show } from "./ui.js";

/** Ask for it, or not. */
export function askPassword(isAsked) {
  for (const field of all("[data-row] [data-field=currentPassword], #delete-form [data-field=password]")) {
    show(isAsked, field);
    one("input", field).disabled = !isAsked;
  }
}
