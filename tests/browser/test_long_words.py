"""Names and addresses as long as they may be: no page grows wider, and lines end where an address has a sign."""

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.browser.conftest import PASSWORD, Visitors

pytestmark = pytest.mark.browser

LONGEST = {"username": "W" * 64, "email": f"{'w' * 64}@{'.'.join(['d' * 60] * 3)}.de"}
ROLE = "r" * 64
ADDRESS = "maximiliane.mustermann@verwaltung.example.com"
# The text nodes that take more than one line, in the first element that is seen.
BROKEN = """(all) => {
  const seen = all.find((one) => one.getClientRects().length > 0);
  return [...seen.childNodes].filter((node) => node.nodeType === Node.TEXT_NODE).filter((node) => {
    const range = document.createRange();
    range.selectNodeContents(node);
    return range.getClientRects().length > 1;
  }).map((node) => node.data);
}"""


async def make(root: httpx.AsyncClient, **person: object) -> int:
    """Make an account; return its id."""
    made = await root.post("/api/admin/users", json={"password": PASSWORD, "emailVerified": True, **person})
    assert made.status_code == 201, made.text
    user_id: int = made.json()["id"]
    return user_id


async def loaded(page: Page) -> None:
    """Wait until a page has what it shows."""
    await page.wait_for_load_state("networkidle")
    await expect(page.locator("main [aria-busy=true]:visible")).to_have_count(0)


async def test_longest_words_widen_no_page(visitors: Visitors, root: httpx.AsyncClient) -> None:
    role = {"name": ROLE, "description": "D" * 255, "permissions": ["p" * 40 + ":" + "w" * 23]}
    assert (await root.post("/api/admin/roles", json=role)).status_code == 201
    person = await make(root, **LONGEST, roles=["user", "admin", ROLE])
    visitor = await visitors(viewport={"width": 360, "height": 740}, is_mobile=True, locale="de-DE")
    await visitor.sign_in(LONGEST["username"], PASSWORD)
    invitation = {"email": f"i{LONGEST['email'][1:]}", "roles": [ROLE]}
    invited = await visitor.page.evaluate(
        "async (body) => (await fetch('/api/admin/invitations', "
        "{method: 'POST', headers: {'Content-Type': 'application/json'}, body: JSON.stringify(body)})).status",
        invitation,
    )
    assert invited == 201
    wide = []
    for path in (
        "/account", "/sign-in", "/boards", "/admin", f"/admin/people?search={LONGEST['username']}",
        f"/admin/people/{person}", "/admin/roles", "/admin/invitations", "/admin/audit",
    ):  # fmt: skip
        await visitor.page.set_viewport_size({"width": 360, "height": 740})
        await visitor.goto(path)
        await loaded(visitor.page)
        for width in (360, 720, 1120):
            await visitor.page.set_viewport_size({"width": width, "height": 740})
            if not await visitor.fits():
                wide.append((path, width))

    assert wide == []


@pytest.mark.parametrize("width", [360, 1120])
async def test_address_is_broken_where_it_has_a_sign(visitors: Visitors, root: httpx.AsyncClient, width: int) -> None:
    name, email = f"Maximiliane {width}", f"{width}.{ADDRESS}"
    person = await make(root, username=name, email=email, roles=["user", "admin"])
    assert (await root.post("/api/admin/invitations", json={"email": f"i.{email}"})).status_code == 201
    visitor = await visitors(viewport={"width": width, "height": 740})
    page = visitor.page
    await visitor.sign_in(name, PASSWORD)
    for path, address in (
        ("/account", "[data-email]"),
        (f"/admin/people/{person}", "[data-email]"),
        # On a phone it is cut in this list, so that a person takes two lines.
        *([(f"/admin/people?search={email}", "[data-list] .email-cell .breakable")] if width > 360 else []),
        ("/admin/invitations", "[data-list] .lead-cell"),
    ):
        await visitor.goto(path)
        await loaded(page)
        assert await page.locator(address).first.text_content() in (email, f"i.{email}"), path
        assert await page.locator(address).evaluate_all(BROKEN) == [], path
