"""Answers that reach a page late, or never, although the service has done what it was asked."""

from playwright.async_api import Page

# Once an answer to "METHOD /path" is there, `spoil` may keep it, or lose it by an error.
SCRIPT = """
const real = window.fetch;
window.fetch = async (address, init = {}) => {
  const answer = await real(address, init);
  const { pathname } = new URL(address, location);
  await answer.clone().text();
  await window.spoil(`${init.method ?? "GET"} ${pathname}`);
  return answer;
};
window.spoil = async () => {};
// Keep the next answer back until it is let go; `held` resolves once there is one.
window.hold = (what) => {
  let reached;
  window.held = new Promise((resolve) => { reached = resolve; });
  window.spoil = async (asked) => {
    if (asked !== what) return;
    window.spoil = async () => {};
    reached();
    await new Promise((resolve) => { window.letGo = resolve; });
  };
};
window.lose = (what) => {
  window.spoil = async (asked) => { if (asked === what) throw new TypeError("lost"); };
};
"""


async def spoil_answers(page: Page, script: str = "") -> None:
    """Let `hold("METHOD /path")` and `lose(…)` be called in pages opened from now on; `script` may do so."""
    await page.add_init_script(SCRIPT + script)


async def let_go(page: Page) -> None:
    """Let the answer that is held go, once there is one, and give the page a turn for it."""
    await page.evaluate("held.then(() => letGo())")
    await page.evaluate("new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve)))")
