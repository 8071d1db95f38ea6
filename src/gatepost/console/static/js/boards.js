import { get } from "./api.js";
import { words } from "./forms.js";
import { user } from "./page.js";
import { one, show } from "./ui.js";

const BOARDS = [
  { name: "home", path: "/api/test/all" },
  { name: "user", path: "/api/test/user" },
  { name: "moderator", path: "/api/test/mod", role: "ROLE_MODERATOR" },
  { name: "admin", path: "/api/test/admin", role: "ROLE_ADMIN" },
];

const account = await user;

await Promise.all(
  BOARDS.filter(({ name, role }) => name === "home" || (account && (!role || account.roles.includes(role)))).map(fillBoard),
);

async function fillBoard({ name, path }) {
  const board = one(`[data-board=${name}]`);
  const content = one("[data-content]", board);
  show(true, board);
  content.textContent = await get(path).catch(words);
  content.removeAttribute("aria-busy");
}
