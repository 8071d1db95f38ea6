// What is known of somebody, in words.

import { ago, day, moment, say } from "../words.js";
import { element, listed } from "./common.js";

const text = (key) => say(`admin_person.client.fact.${key}`);

/** Return what there is to say of an account with these sessions: names and values. */
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

/** Return what somebody can show more than a password. */
export function factorWords({ factors }) {
  if (factors.length === 0) return text("no_factors");
  return listed(factors.map((factor) => say(`admin.client.factor.${factor}`)));
}

/** The account has it a minute later than the session. */
function lastSignIn({ lastSignInAt }, sessions) {
  return [lastSignInAt, ...sessions.map(({ createdAt }) => createdAt)].filter(Boolean).sort().at(-1);
}

function since(iso) {
  return element("time", { datetime: iso, title: moment(iso) }, ago(iso));
}
