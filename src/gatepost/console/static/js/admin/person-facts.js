// The facts about a person, as texts.

import { ago, day, moment, say } from "../words.js";
import { element, listed } from "./common.js";

const text = (key) => say(`admin_person.client.fact.${key}`);

/** Return the facts about an account with these sessions, as pairs of name and value. */
export function facts(person, sessions) {
  const seen = lastSignIn(person, sessions);
  return [
    [text("id"), `#${person.id}`],
    [text("created"), moment(person.createdAt)],
    [text("seen"), seen ? since(seen) : text("never")],
    [text("updated"), since(person.updatedAt)],
    [text("password"), text(person.hasPassword ? "has_password" : "no_password")],
    [text("factors"), factorWords(person)],
    ...(person.disabledAt ? [[text("disabled"), moment(person.disabledAt)]] : []),
    ...(person.eraseAt ? [[text("erase"), day(person.eraseAt)]] : []),
  ];
}

/** Return the text for a person's second factors. */
export function factorWords({ factors }) {
  if (factors.length === 0) return text("no_factors");
  return listed(factors.map((factor) => say(`admin.client.factor.${factor}`)));
}

/** Return the last sign-in. New sessions count too, because the account's own value is updated up to a minute later. */
function lastSignIn({ lastSignInAt }, sessions) {
  return [lastSignInAt, ...sessions.map(({ createdAt }) => createdAt)].filter(Boolean).sort().at(-1);
}

function since(iso) {
  return element("time", { datetime: iso, title: moment(iso) }, ago(iso));
}
