import { one, show } from "./ui.js";

const back = one("[data-back]");

show(history.length > 1, back);
back.addEventListener("click", () => history.back());
