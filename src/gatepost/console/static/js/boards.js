import { isPassing, untilLoaded } from "./again.js";
import { get } from "./api.js";
import { words } from "./forms.js";
import { needAnswer } from "./page.js";
import { one, show } from "./ui.js";

const BOARDS = [
  { name: "home", path: "/api/test/all" },
  { name: "user", path: "/api/test/user" },
  { name: "moderator", path: "/api/test/mod", role: "ROLE_MODERATOR" },
  { name: "admin", path: "/api/test/admin", role: "ROLE_ADMIN" },
];

const account = await needAnswer();
const boards = BOARDS.filter(({ name, role }) => name === "home" || (account && (!role || account.roles.includes(role))));
const texts = await untilLoaded([one(".boards")], () => Promise.all(boards.map(read)));

boards.forEach(({ name }, index) => {
  const board = one(`[data-board=${name}]`);
  const content = one("[data-content]", board);
  show(true, board);
  content.textContent = texts[index];
  content.removeAttribute("aria-busy");
});

function read({ path }) {
  return get(path).catch((problem) => {
    if (isPassing(problem)) throw problem;
    return words(problem);
  });
}
