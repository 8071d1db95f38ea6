// Other providers that people sign in with.

import { clear, report, setBusy } from "./forms.js";
import { all } from "./ui.js";
import { data, find } from "./words.js";

/** Return what is known of a provider by its name; of one that is set up no more, `title` says what to call it. */
export function providerOf(name, title = name) {
  return data.providers.find((provider) => provider.name === name) ?? { name, title, mark: data.neutralMark };
}

/** Let the buttons of a form lead to providers: `leave(name)` goes, `onProblem` is as for `handle`. */
export function bindProviders(form, leave, onProblem = () => false) {
  for (const button of all("[data-provider]", form)) {
    button.addEventListener("click", async () => {
      if (form.ariaBusy === "true") return;
      clear(form);
      setLeaving(button, true);
      try {
        await leave(button.dataset.provider);
      } catch (problem) {
        setLeaving(button, false);
        await report(form, problem, onProblem);
      }
    });
  }
}

function setLeaving(button, isLeaving) {
  setBusy(button.form, isLeaving);
  button.ariaBusy = isLeaving ? "true" : null;
}

// "Back" may bring the page as it was when it was left.
addEventListener("pageshow", ({ persisted }) => {
  if (persisted) for (const button of all("[data-provider][aria-busy=true]")) setLeaving(button, false);
});

/** Return what came of a visit to a provider, as the address of this page says: its kind, and its words; or null. */
export function outcomeOf() {
  const query = new URLSearchParams(location.search);
  const provider = data.providers.find(({ name }) => name === query.get("provider"));
  if (!provider || !query.has("outcome")) return null;
  const kind = query.get("outcome");
  return { kind, provider, text: find(`ways.client.outcome.${kind}`, { provider: provider.title }) };
}

/** Take it out of the address: it is told once. */
export function forgetOutcome() {
  const here = new URL(location.href);
  for (const name of ["provider", "outcome"]) here.searchParams.delete(name);
  history.replaceState(null, "", here);
}
