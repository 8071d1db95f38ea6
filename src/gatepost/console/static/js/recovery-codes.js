// Recovery codes, shown once: to copy, save and print.

import { save } from "./files.js";
import { all, one, show } from "./ui.js";
import { day, say } from "./words.js";

const dialog = one("#recovery-codes");
const copied = one("[data-copied]", dialog);

/** Show codes until their person says that they have kept them. */
export function keepCodes(codes, username) {
  const { brand } = dialog.dataset;
  const title = say("common.client.codes_of", { username, brand, date: day(new Date()) });
  const text = `${title}\n\n${codes.join("\n")}\n`;
  one("[data-codes-of]", dialog).textContent = title;
  one("[data-codes]", dialog).replaceChildren(...codes.map(item));
  one("[data-copy-codes]", dialog).onclick = async () => {
    await navigator.clipboard.writeText(text);
    copied.textContent = say("common.client.copied");
  };
  // Browsers have it on https and localhost alone.
  show(navigator.clipboard !== undefined, one("[data-copy-codes]", dialog));
  one("[data-save-codes]", dialog).onclick = () => save(text, say("common.client.codes_file"), "text/plain");
  one("[data-print-codes]", dialog).onclick = () => print();
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    // A browser may close it by a key all the same.
    dialog.onclose = () => (dialog.returnValue === "kept" ? resolve(clear()) : dialog.showModal());
  });
}

function clear() {
  one("[data-codes]", dialog).replaceChildren();
  // They hold the text of the codes.
  for (const button of all("[data-copy-codes], [data-save-codes]", dialog)) button.onclick = null;
  copied.textContent = "";
}

function item(code) {
  const element = document.createElement("li");
  element.append(Object.assign(document.createElement("code"), { textContent: code }));
  return element;
}
