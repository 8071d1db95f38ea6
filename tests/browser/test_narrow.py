"""The narrowest phones, 320 px wide: nothing sticks out of its card, and no line ends within a word of a title."""

import re

import httpx
import pytest
from playwright.async_api import expect

from tests.browser.conftest import ADMIN_PASSWORD, PASSWORD, Somebody, Visitors

pytestmark = pytest.mark.browser

PHONE = {"viewport": {"width": 320, "height": 640}, "is_mobile": True, "has_touch": True, "locale": "de-DE"}
# What reaches beyond the card around it, but for what can be scrolled there, or is for screen readers.
STICKING_OUT = """() => [...document.querySelectorAll("main .card")].flatMap((card) => {
  const right = card.getBoundingClientRect().right;
  return [...card.querySelectorAll("*")].filter((one) =>
    one.checkVisibility() && one.getBoundingClientRect().right > right + 0.5
    && !one.closest("svg, .table-wrap, pre, .visually-hidden, thead"))
    .map((one) => one.outerHTML.slice(0, 80));
})"""
# The words of titles that take more than one line. The name of a key ends a line at any of its signs, and other tests
# leave a role with the longest name.
BROKEN = """() => {
  const titles = [...document.querySelectorAll("main :is(h1, h2, h3):not([data-text=kid], .role-card h2)")];
  return titles.filter((one) => one.checkVisibility()).flatMap((title) =>
    [...title.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).flatMap((node) =>
      [...node.data.matchAll(/[^\\s\\u00ad-]+/g)].filter((word) => {
        const range = document.createRange();
        range.setStart(node, word.index);
        range.setEnd(node, word.index + word[0].length);
        return range.getClientRects().length > 1;
      }).map((word) => word[0])));
}"""


async def test_pages_fit_the_narrowest_phone(visitors: Visitors, somebody: Somebody) -> None:
    visitor = await visitors(**PHONE)
    page = visitor.page
    wrong: dict[str, object] = {}
    await visitor.sign_in("admin", ADMIN_PASSWORD)
    for path in (
        "/account", "/account#totp", "/boards", "/admin", "/admin/people", f"/admin/people/{somebody.id}",
        "/admin/roles", "/admin/invitations", "/admin/audit", "/admin/keys", "/sign-in", "/sign-up", "/nowhere",
    ):  # fmt: skip
        await page.goto("about:blank")
        await visitor.goto(path)
        await page.wait_for_load_state("networkidle")
        if path == "/admin/people":
            await page.locator("[data-list] [data-choose] input").first.check()
        found = (await visitor.fits(), await page.evaluate(STICKING_OUT), await page.evaluate(BROKEN))
        if found != (True, [], []):
            wrong[path] = found

    assert wrong == {}
    assert visitor.refusals() == ["404"]


async def test_who_has_never_signed_in_is_told_so_where_no_head_says_what_never_was(
    visitors: Visitors, root: httpx.AsyncClient
) -> None:
    body = {"username": "Never Here", "email": "never@example.com", "password": PASSWORD}
    assert (await root.post("/api/admin/users", json=body)).status_code == 201
    for options, words in ((PHONE, "nie angemeldet"), ({"locale": "de-DE"}, "nie")):
        visitor = await visitors(**options)
        await visitor.sign_in("admin", ADMIN_PASSWORD)
        await visitor.goto("/admin/people?search=never@example.com")
        cell = visitor.page.locator("[data-list] .seen-cell")
        await expect(cell).to_have_text(re.compile(words))
        assert await cell.inner_text() == words


async def test_ways_out_of_a_page_of_an_error_are_of_one_width(visitors: Visitors) -> None:
    for options in (PHONE, {}):
        visitor = await visitors(**options)
        await visitor.goto("/nowhere")
        ways = visitor.page.locator(".ways .button:visible")
        boxes = [await way.bounding_box() for way in await ways.all()]
        assert len(boxes) >= 3
        assert len({(box["x"], box["width"]) for box in boxes if box}) == 1
        assert visitor.refusals() == ["404"]
