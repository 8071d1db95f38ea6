"""The pages that links in mails open."""

import email
import email.policy
import re
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from playwright.async_api import Page, expect

from tests.support.browser import watch
from tests.support.server import GatepostServer, gatepost_server

pytestmark = pytest.mark.browser

PASSWORD = "correct horse"
NEW = "another horse"
MAIL_SECONDS = 20


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return the folder that the service writes its mails into."""
    return tmp_path / "mail"


@pytest.fixture
def mailing(folder: Path) -> Iterator[GatepostServer]:
    """Give a service that writes its mails into a folder."""
    with gatepost_server(MAIL_URL=f"file:{folder}") as server:
        account = {"username": "Abbey", "email": "abbey@example.com", "password": PASSWORD}
        httpx.post(f"{server.url}/api/auth/signup", json=account).raise_for_status()
        yield server


def link_to(page: str, server: GatepostServer, folder: Path) -> str:
    """Wait for the mail whose link opens a page, and return that link."""
    deadline = time.monotonic() + MAIL_SECONDS
    while time.monotonic() < deadline:
        for file in folder.glob("*.eml"):
            message = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
            body = message.get_body(("plain",))
            assert body is not None
            if link := re.search(rf"http://\S+{page}#token=\S+", body.get_content()):
                parts = urlsplit(link[0])
                return f"{server.url}{parts.path}#{parts.fragment}"
        time.sleep(0.1)
    raise AssertionError(f"no mail with a link to {page}")


async def test_address_is_confirmed_by_a_click_and_not_by_opening(
    page: Page, mailing: GatepostServer, folder: Path
) -> None:
    seen = watch(page)
    link = link_to("/verify-email", mailing, folder)

    await page.goto(link)
    await page.reload()
    await page.get_by_role("button", name="Confirm").click()

    await expect(page.get_by_role("status")).to_have_text("Your e-mail address is confirmed.")
    assert seen.errors == []
    assert seen.hosts == {urlsplit(mailing.url).netloc}
    assert not any("gpt_" in url for url in seen.urls)


async def test_forgotten_password_is_set_by_the_link(page: Page, mailing: GatepostServer, folder: Path) -> None:
    httpx.post(f"{mailing.url}/api/auth/password/forgot", json={"email": "abbey@example.com"}).raise_for_status()

    await page.goto(link_to("/set-password", mailing, folder))
    await page.get_by_label("New password").fill("short")
    await page.get_by_role("button").click()
    await expect(page.get_by_role("status")).to_have_text("The password needs at least 6 characters.")
    await page.get_by_label("New password").fill(NEW)
    await page.get_by_role("button").click()

    await expect(page.get_by_role("status")).to_have_text("Your password has been set. Please sign in.")
    credentials = {"username": "Abbey", "password": NEW}
    assert httpx.post(f"{mailing.url}/api/auth/signin", json=credentials).status_code == 200


async def test_link_without_a_token_says_so(page: Page, mailing: GatepostServer) -> None:
    await page.goto(f"{mailing.url}/not-me")

    await expect(page.get_by_role("status")).to_have_text(
        "This link is incomplete. Please open it from the mail again."
    )
    await expect(page.get_by_role("button")).to_be_hidden()
