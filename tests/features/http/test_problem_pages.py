"""A browser that navigates into an error gets a page; programs get the problem, byte for byte."""

import re
from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr

from gatepost.app import create_app
from gatepost.core.errors import Unavailable
from gatepost.core.settings import Settings
from gatepost.identity.accounts.errors import UsernameTaken
from gatepost.identity.throttling.errors import TooManyRequests
from tests.conftest import SECRET, http_client
from tests.support.api import assert_problem, assert_problem_page

ACCEPT = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"
BROWSER = {"Accept": ACCEPT, "Sec-Fetch-Mode": "navigate", "Accept-Language": "en"}
JAVA = "text/html, image/gif, image/jpeg, *; q=.2, */*; q=.2"
PROGRAMS: tuple[dict[str, str], ...] = (
    {},
    {"Accept": "*/*"},
    {"Accept": "application/json"},
    {"Accept": "application/json, text/plain, */*"},
    {"Accept": "application/json, text/html;q=0.9"},
    {"Accept": "text/html, application/json"},
    {"Accept": "text/html;q=0"},
    {"Accept": "text/html;q=x"},
    {"Accept": JAVA},
    {"Accept": "text/css,*/*;q=0.1"},
    {"Accept": "image/avif,image/webp,*/*;q=0.8", "Sec-Fetch-Mode": "no-cors"},
    {"Accept": ACCEPT, "Sec-Fetch-Mode": "cors"},
    {"Accept": "*/*", "Sec-Fetch-Mode": "navigate"},
)
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
HOSTILE = "<script>alert(1)</script>"


class Away(Unavailable):
    """What this test needs is away."""

    code = "away_in_a_test"
    title = "Away"
    message = "It is away."


@pytest.fixture
def app() -> FastAPI:
    """Return a service with the default settings; nothing here reaches a database."""
    return create_app(Settings(_env_file=None, secret_key=SecretStr(SECRET)))


@pytest.fixture
async def client(app: FastAPI) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client that says nothing of what it accepts."""
    async with http_client(app) as client:
        del client.headers["Accept"]
        yield client


def add_route(app: FastAPI, path: str, failure: Exception) -> None:
    """Let an address fail."""

    async def fail() -> None:
        raise failure

    app.add_api_route(path, fail)


def assert_page(answer: httpx.Response, status: int, code: str, *, language: str = "en") -> None:
    """Check that an answer is a whole page in a language, that nobody keeps and nothing of another host is in."""
    assert_problem_page(answer, status, code)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-language"] == language
    assert {"Accept", "Sec-Fetch-Mode", "Accept-Language", "Cookie"} <= set(answer.headers["vary"].split(", "))
    assert "default-src 'none'; script-src 'self'" in answer.headers["content-security-policy"]
    assert f'<html lang="{language}"' in answer.text
    assert f"<code>{answer.headers['x-request-id']}</code>" in answer.text
    assert 'href="/sign-in"' in answer.text
    assert 'href="/account"' in answer.text
    assert not re.findall(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*src=)", answer.text)
    assert not re.findall(r"""(?:src|href|action)=["'](?:https?:)?//""", answer.text)


async def test_every_error_is_a_page_in_both_languages(app: FastAPI, client: httpx.AsyncClient) -> None:
    for error in (TooManyRequests(retry_after_seconds=30), Away(), UsernameTaken(), RuntimeError("a bug")):
        add_route(app, f"/api/{type(error).__name__}", error)
    large = b"password=" + b"x" * 70_000
    asked: list[tuple[str, str, dict[str, str], bytes, int, str]] = [
        ("GET", "/nothing", {}, b"", 404, "not_found"),
        ("GET", "/api/auth/nothing", {}, b"", 404, "not_found"),
        ("GET", "/nothing/" + "x" * 8000, {}, b"", 404, "not_found"),
        ("GET", "/api/auth/signin", {}, b"", 405, "method_not_allowed"),
        ("POST", "/sign-in", FORM, b"username=a&password=b", 405, "method_not_allowed"),
        ("POST", "/api/auth/signin", FORM, b"username=a&password=b", 415, "unsupported_media_type"),
        ("POST", "/api/auth/signin", {"Content-Type": "multipart/form-data"}, b"--", 415, "unsupported_media_type"),
        ("POST", "/sign-in", FORM, b"a=1&a=2", 400, "repeated_parameter"),
        ("POST", "/sign-in", FORM, large, 413, "body_too_large"),
        ("GET", "/api/users/me", {}, b"", 401, "token_missing"),
        ("GET", "/api/TooManyRequests", {}, b"", 429, "too_many_requests"),
        ("GET", "/api/Away", {}, b"", 503, "away_in_a_test"),
        ("GET", "/api/UsernameTaken", {}, b"", 400, "username_taken"),
        ("GET", "/api/RuntimeError", {}, b"", 500, "internal_error"),
    ]
    wrong = []
    for method, path, headers, body, status, code in asked:
        for language in ("en", "de"):
            answer = await client.request(
                method, path, headers={**BROWSER, **headers, "Accept-Language": language}, content=body
            )
            try:
                assert_page(answer, status, code, language=language)
            except AssertionError as error:
                wrong.append(f"{method} {path[:40]} {language}: {error}")
    assert wrong == []


async def test_programs_get_the_same_bytes_whatever_they_accept(app: FastAPI, client: httpx.AsyncClient) -> None:
    add_route(app, "/api/fail", RuntimeError("a bug"))
    for method, path, status, code in (
        ("GET", "/nothing", 404, "not_found"),
        ("GET", "/console/0/nothing.js", 404, "not_found"),
        ("GET", "/docs/assets/nothing.js", 404, "not_found"),
        ("DELETE", "/sign-in", 405, "method_not_allowed"),
        ("GET", "/api/users/me", 401, "token_missing"),
        ("GET", "/api/fail", 500, "internal_error"),
    ):
        bodies = set()
        for accepted in PROGRAMS:
            answer = await client.request(method, path, headers={**accepted, "X-Request-ID": "the-same-one"})
            assert_problem(answer, status, code)
            assert answer.headers["vary"].startswith("Accept, Sec-Fetch-Mode"), accepted
            bodies.add(answer.content)
        assert len(bodies) == 1, path


async def test_what_a_proxy_asks_about_is_never_a_page(client: httpx.AsyncClient) -> None:
    answer = await client.get("/api/auth/check", headers=BROWSER)

    assert answer.headers["content-type"] == "application/problem+json"


async def test_page_repeats_nothing_of_the_request(client: httpx.AsyncClient) -> None:
    hostile = {
        **BROWSER,
        "Host": "evil.example",
        "X-Forwarded-Host": "evil.example",
        "X-Request-ID": HOSTILE,
        "Referer": "https://evil.example/",
        "Cookie": f"gatepost_language={HOSTILE}",
    }
    for path in (
        f"/{HOSTILE}",
        f"/x?next=https://evil.example/&lang={HOSTILE}&back=javascript:alert(1)",
        "/%2Fevil.example/",
    ):
        answer = await client.get(path, headers=hostile)

        assert_page(answer, 404, "not_found")
        for trace in ("evil", "alert", "javascript:"):
            assert trace not in answer.text, path
            assert trace not in str(answer.headers), path


async def test_page_says_when_to_come_back_and_which_address_can_be_opened(
    app: FastAPI, client: httpx.AsyncClient
) -> None:
    for name, seconds in (("soon", 30), ("late", 600)):
        add_route(app, f"/{name}", TooManyRequests(retry_after_seconds=seconds))
    soon, late = [await client.get(path, headers=BROWSER) for path in ("/soon", "/late")]
    form = await client.post("/sign-in", headers={**BROWSER, **FORM}, content=b"username=a&password=b")

    assert soon.headers["retry-after"] == "30"
    assert "Please try again in 30 seconds." in soon.text
    assert "Please try again in 10 minutes." in late.text
    assert '<a class="button primary" href="">Try again</a>' in soon.text
    assert form.headers["allow"] == "GET, HEAD"
    assert '<a class="button primary" href="">Open this page</a>' in form.text


async def test_language_of_the_page_can_be_changed_and_is_remembered(client: httpx.AsyncClient) -> None:
    answer = await client.get("/nothing?lang=de", headers=BROWSER)

    assert_page(answer, 404, "not_found", language="de")
    assert answer.headers["set-cookie"].startswith("gatepost_language=de;")


async def test_head_is_the_page_without_its_body(client: httpx.AsyncClient) -> None:
    whole, head = await client.get("/nothing", headers=BROWSER), await client.head("/nothing", headers=BROWSER)

    assert head.status_code == 404
    assert head.content == b""
    assert head.headers["content-length"] == str(len(whole.content))


async def test_page_that_fails_is_the_problem_after_all(
    app: FastAPI, client: httpx.AsyncClient, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object) -> httpx.Response:
        raise RuntimeError("no template")

    app.state.page_of_problem = fail
    add_route(app, "/api/fail", RuntimeError("a bug"))

    for path, status, code in (("/nothing", 404, "not_found"), ("/api/fail", 500, "internal_error")):
        assert_problem(await client.get(path, headers=BROWSER), status, code)
    assert "the page for not_found failed" in caplog.text
