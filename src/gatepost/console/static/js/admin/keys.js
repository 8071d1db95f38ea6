import { get } from "../api.js";
import { fill, list, one, show } from "../ui.js";
import { moment, say } from "../words.js";
import { complain, enter, loaded, ready } from "./common.js";

const KINDS = { next: "accent", active: "success", retiring: "warning", retired: "" };
const STEPS = ["createdAt", "knownAt", "activatedAt", "retiringAt", "lastTokenEndsAt", "retiredAt"];

await enter("keys:read");
try {
  display(await loaded(() => get("/api/admin/keys")));
  ready();
} catch (problem) {
  if (problem.code === undefined) throw problem;
  complain(problem);
}

function display({ isStored, items }) {
  show(!isStored, one("[data-shared]"));
  show(isStored, one("[data-keys]"));
  const cards = list(
    one("[data-keys]"),
    one("#key-card"),
    items.map((key) => ({
      ...key,
      state_words: say(`admin_keys.client.state.${key.state}`),
      state_text: say(`admin_keys.client.text.${key.state}`),
    })),
  );
  cards.forEach((card, index) => {
    const key = items[index];
    const badge = one("[data-state-badge]", card);
    if (KINDS[key.state]) badge.classList.add(KINDS[key.state]);
    show(key.algorithm !== null, one("[data-algorithm]", card));
    one("[data-life]", card).append(
      ...STEPS.filter((step) => key[step] !== null && (step !== "knownAt" || key.state === "next")).map((step) =>
        fill(one("#life-step"), {
          name: say(`admin_keys.client.step.${step}`),
          at: key[step],
          at_words: moment(key[step]),
          when: new Date(key[step]) > Date.now() ? "later" : "past",
        }),
      ),
    );
  });
}
