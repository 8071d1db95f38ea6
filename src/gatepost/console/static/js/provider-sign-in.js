// Signing in with another provider, from the pages that offer it beside other ways.

import { client } from "./api.js";
import { rememberWay } from "./last-way.js";
import { bindProviders } from "./providers.js";
import { data } from "./words.js";

/** Let the buttons of a form lead to providers, and from there to where the person wanted to be. */
export function offerProviders(form) {
  bindProviders(form, (name) => {
    rememberWay(`provider:${name}`);
    return client.signInWith(name, { returnTo: data.returnTo ?? "/account" });
  });
}
