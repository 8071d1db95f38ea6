// A secret for an authenticator app, on the page for as long as it is needed.

import { attempt } from "./page.js";
import { one, show, toast } from "./ui.js";
import { say } from "./words.js";

/** Let the secret in an element be copied. */
export function bindSecret(root) {
  const button = one("[data-copy-secret]", root);
  button.addEventListener("click", () =>
    attempt(async () => {
      await navigator.clipboard.writeText(one("[data-secret]", root).textContent.replaceAll(" ", ""));
      toast(say("common.client.copied"));
    }),
  );
  // Browsers have it on https and localhost alone.
  show(navigator.clipboard !== undefined, button);
}

/** Show a secret, or none with null. */
export function showSecret(root, secret) {
  const picture = secret && new DOMParser().parseFromString(secret.qrSvg, "image/svg+xml").documentElement;
  one("[data-qr]", root).replaceChildren(...(picture ? [picture] : []));
  one("[data-secret]", root).textContent = secret?.secret.match(/.{1,4}/g).join(" ") ?? "";
  one("[data-otpauth]", root).href = secret?.otpauthUri ?? "";
}
