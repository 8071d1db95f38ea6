"""The pages as HTTP: their languages, their policy, their files, and where they lead; one of them asks the database."""

import html
import json
import re
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import URL

import gatepost
from gatepost.app import create_app
from gatepost.composition.services import Services, build_services
from gatepost.console.admin_pages import ADMIN_PAGES
from gatepost.console.pages import PAGES, START
from gatepost.core.colors import READABLE, contrast
from gatepost.core.settings import Settings, SettingsError, load_settings
from gatepost.identity.accounts.roles import RoleName
from tests.conftest import SECRET, http_client
from tests.features.admin.conftest import give
from tests.support.api import Api, assert_problem

Deploy = Callable[..., httpx.AsyncClient]
GERMAN = {"Accept-Language": "fr;q=0.9, de-AT;q=0.8, en;q=0.5"}
HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
PATHS = [page.path.replace("{user_id:int}", "1") for page in (START, *PAGES, *ADMIN_PAGES)]
each_page = pytest.mark.parametrize("path", PATHS)


@pytest.fixture(scope="module")
async def deploy(sqlite_url: URL) -> AsyncIterator[Deploy]:
    """Give a maker of clients, each of a service with these settings."""
    made: list[Services] = []

    def make(**changes: Any) -> httpx.AsyncClient:
        values = {"secret_key": SecretStr(SECRET), "database_url": SecretStr(str(sqlite_url)), **changes}
        made.append(build_services(Settings(_env_file=None, **values)))
        return http_client(create_app(services=made[-1]))

    yield make
    for services in made:
        await services.stop()


@pytest.fixture(scope="module")
async def client(deploy: Deploy) -> AsyncIterator[httpx.AsyncClient]:
    """Give a client of a service with the default settings."""
    async with deploy() as client:
        yield client


@each_page
async def test_page_has_nothing_inline_and_asks_no_other_host(client: httpx.AsyncClient, path: str) -> None:
    answer = await client.get(path)

    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'none'; script-src 'self'; style-src 'self';" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["referrer-policy"] == "no-referrer"
    assert not re.findall(r"""(?:src|href|action)=["'](?:https?:)?//""", answer.text)
    assert not re.findall(r"<style|\sstyle=|\son[a-z]+=|<script(?![^>]*(?:src=|application/json))", answer.text)
    for file in re.findall(r"""(?:src|href)=["'](/console/[^"']+)""", answer.text):
        assert (await client.get(file)).status_code == 200, file


@each_page
async def test_form_waits_for_its_script_and_would_send_no_secret_in_an_address(
    client: httpx.AsyncClient, path: str
) -> None:
    for tag, first in re.findall(r"(<form[^>]*>)\s*(<[^>]*>)", (await client.get(path)).text):
        # A question is opened by a script; a filter sends what the address of its page holds anyway.
        if 'method="dialog"' in tag or "data-filters" in tag or "data-range" in tag:
            continue
        assert 'method="post"' in tag
        assert first == "<fieldset data-fields disabled>", tag


@each_page
async def test_page_is_whole_in_both_languages(client: httpx.AsyncClient, path: str) -> None:
    english, german = await client.get(path), await client.get(path, headers=GERMAN)

    assert '<html lang="en"' in english.text
    assert '<html lang="de"' in german.text
    assert german.headers["content-language"] == "de"
    title = re.compile(r"<title>(.+) · Gatepost</title>")
    assert title.findall(english.text) != title.findall(german.text) != []


async def test_language_that_was_chosen_is_remembered(client: httpx.AsyncClient) -> None:
    chosen = await client.get("/sign-in?lang=de")
    cookie = chosen.headers["set-cookie"].partition(";")[0]

    again = await client.get("/sign-in", headers={"Cookie": cookie, "Accept-Language": "en"})

    assert '<html lang="de"' in again.text
    assert "set-cookie" not in (await client.get("/sign-in?lang=fr")).headers


async def test_root_is_json_for_clients_and_a_page_for_browsers(client: httpx.AsyncClient) -> None:
    for accept in ("*/*", "application/json"):
        assert (await client.get("/", headers={"Accept": accept})).json()["docs"] == "/docs"
    page = await client.get("/", headers=HTML)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert "Accept" in page.headers["vary"]


async def test_steps_to_the_first_administrator_are_shown_in_development_alone(deploy: Deploy) -> None:
    gone = SecretStr("sqlite+aiosqlite:////nowhere/gatepost.db")
    async with (
        deploy() as development,
        deploy(environment="production") as production,
        deploy(database_url=gone) as without_database,
    ):
        assert "gatepost create-admin" in (await development.get("/welcome")).text
        assert "gatepost create-admin" not in (await production.get("/welcome")).text
        page = await without_database.get("/", headers=HTML)
        assert (page.status_code, "create-admin" in page.text) == (200, False)


async def test_steps_to_the_first_administrator_are_gone_once_there_is_one(api: Api, services: Services) -> None:
    person = await api.sign_up()
    for path in ("/", "/welcome"):
        assert "gatepost create-admin" in (await api.get(path, headers=HTML)).text

    await give(services.platform.database, person.id, [RoleName.ADMIN])

    for path in ("/", "/welcome"):
        assert "create-admin" not in (await api.get(path, headers=HTML)).text


async def test_first_step_names_the_program_as_it_was_started(
    client: httpx.AsyncClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "my tools/gatepost"
    program.parent.mkdir()
    program.touch()
    for started, named in (
        (str(program), f"'{program}' create-admin"),
        ("/usr/bin/uvicorn", ">gatepost create-admin"),
        (str(Path(gatepost.__file__).with_name("__main__.py")), f"{sys.executable} -m gatepost create-admin"),
    ):
        monkeypatch.setattr(sys, "argv", [started, "serve"])
        assert named in html.unescape((await client.get("/welcome")).text)


async def test_files_are_kept_for_a_year_under_the_address_of_their_version(client: httpx.AsyncClient) -> None:
    found = re.search(r'"(/console/[0-9a-f]+)/console\.css"', (await client.get("/sign-in")).text)
    assert found
    style = await client.get(f"{found[1]}/console.css")

    assert style.headers["content-type"] == "text/css; charset=utf-8"
    assert style.headers["cache-control"] == "public, max-age=31536000, immutable"
    known = await client.get(f"{found[1]}/console.css", headers={"If-None-Match": style.headers["etag"]})
    assert (known.status_code, known.content) == (304, b"")
    # A page of another replica's version gets what there is, and keeps it for no time.
    assert (await client.get("/console/0123456789abcdef/console.css")).headers["cache-control"] == "no-cache"


@pytest.mark.parametrize("name", ["nothing.css", "..%2frouter.py", "js/%2e%2e/%2e%2e/router.py", ""])
async def test_no_other_file_is_served(client: httpx.AsyncClient, name: str) -> None:
    assert_problem(await client.get(f"/console/0123456789abcdef/{name}"), 404, "not_found")


@pytest.mark.parametrize(
    "address", ["/boards", "/account?tab=1#devices", "http://localhost:8081/orders", "http://localhost:8080/boards"]
)
async def test_return_address_of_ours_or_of_an_allowed_origin_is_kept(client: httpx.AsyncClient, address: str) -> None:
    page = (await client.get("/sign-in", params={"next": address})).text

    assert f'"returnTo": "{address}"' in page


@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example/",
        "//evil.example",
        "/\\evil.example",
        "\\\\evil.example",
        "/\t/evil.example",
        "\t//evil.example",
        "javascript:alert(1)",
        "data:text/html,x",
        "http://localhost:8081@evil.example/",
        "http://localhost:8081.evil.example/",
        "http://localhost:80810/",
        "ftp://localhost:8081/",
        "http://localhost:8081\\@evil.example",
        "http://[::1",
        "account",
        "/" + "a" * 3000,
    ],
)
async def test_return_address_to_elsewhere_is_dropped(client: httpx.AsyncClient, address: str) -> None:
    page = (await client.get("/sign-in", params={"next": address})).text

    assert '"returnTo": null' in page
    assert "evil" not in page


async def test_origin_to_return_to_is_read_as_browsers_read_it(deploy: Deploy) -> None:
    named = ("https://münchen.example/", "http://[::1]:8081", "capacitor://localhost")
    async with deploy(cors_origins=named, public_url="https://Auth.example:443/") as client:
        for kept in (
            "https://münchen.example/#/home", "https://XN--mnchen-3ya.example:443/", "http://[0:0:0:0:0:0:0:1]:8081/a",
            "https://auth.example/boards",
        ):  # fmt: skip
            page = (await client.get("/sign-in", params={"next": kept})).text
            assert f'"returnTo": {json.dumps(kept)}' in page, kept
        for dropped in (
            "https://[::1]evil.example:8081/", "http://[::1]:8081@evil.example/", "capacitor://localhost/index.html",
            "https://m\u00ad\u200dünchen.example/", "http://[::1]:8081\\evil.example", "https://münchen.example:444/",
        ):  # fmt: skip
            page = (await client.get("/sign-in", params={"next": dropped})).text
            assert '"returnTo": null' in page, dropped


async def test_any_origin_of_cors_is_no_origin_to_return_to(deploy: Deploy) -> None:
    async with deploy(cors_origins=("*",)) as client:
        page = (await client.get("/sign-in", params={"next": "https://evil.example/"})).text

    assert '"returnTo": null' in page


async def test_what_a_visitor_sends_stays_text(client: httpx.AsyncClient) -> None:
    page = (await client.get("/sign-in", params={"next": '/"></script><script>alert(1)</script>'})).text

    assert "<script>alert" not in page


async def test_team_has_its_name_colour_and_logo_on_every_page(deploy: Deploy, tmp_path: Path) -> None:
    logo = tmp_path / "logo.svg"
    logo.write_text('<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>', encoding="utf-8")
    async with deploy(brand_name="Tom & Jerry", brand_color="#FFD400", brand_logo=logo) as client:
        page = (await client.get("/sign-in")).text
        files = {file.rpartition("/")[2]: file for file in re.findall(r'"(/console/[^"]+)"', page)}
        style, picture = await client.get(files["brand.css"]), await client.get(files["logo.svg"])

    assert "<title>Sign in · Tom &amp; Jerry</title>" in page
    assert "--brand: #ffd400" in style.text
    assert picture.headers["content-type"] == "image/svg+xml"
    # Opened by itself it is a document, in which no script may run.
    assert "sandbox" in picture.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("BRAND_LOGO", "nowhere.png"),
        ("BRAND_LOGO", "pyproject.toml"),
        ("BRAND_COLOR", "green"),
        ("BRAND_NAME", "x" * 41),
    ],
)
def test_brand_that_cannot_be_shown_is_refused_at_the_start(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, value: str
) -> None:
    monkeypatch.setenv("DATA_DIR", str(tmp_path))
    monkeypatch.setenv(setting, value)

    with pytest.raises(SettingsError, match=setting):
        load_settings(env_file=None)


@pytest.mark.parametrize(
    ("signup", "said"), [("invite", "need an invitation"), ("closed", "Sign-up is currently closed")]
)
async def test_sign_up_page_says_who_may(deploy: Deploy, signup: str, said: str) -> None:
    async with deploy(signup=signup) as client:
        page = (await client.get("/sign-up")).text
        start = (await client.get("/welcome")).text

    assert said in page
    assert 'name="password"' not in page
    assert "/sign-up" not in start


async def test_pages_know_where_passkeys_are_good_and_who_may_sign_up_with_one(deploy: Deploy) -> None:
    def known(answer: httpx.Response) -> tuple[str | None, bool]:
        data = re.search(r'id="page-data">(.+?)</script>', answer.text)
        assert data is not None
        return json.loads(data[1])["rpId"], "data-passkey hidden" in answer.text

    hidden: dict[str, Any] = {"signup_reveals_taken": False, "email_verification": "required"}
    for changes, path, expected in (
        ({}, "/sign-up", ("localhost", True)),
        ({"public_url": "https://auth.example.com"}, "/sign-in", ("auth.example.com", True)),
        (
            {"public_url": "https://auth.example.com", "passkey_rp_id": "example.com"},
            "/sign-in",
            ("example.com", True),
        ),
        ({"public_url": "http://127.0.0.1:8080"}, "/sign-in", (None, True)),
        ({"second_factor": "off"}, "/sign-up", ("localhost", False)),
        ({"second_factor": "off"}, "/invitation", ("localhost", False)),
        (hidden, "/sign-up", ("localhost", False)),
        # Whoever is invited signs up at once.
        (hidden, "/invitation", ("localhost", True)),
    ):
        async with deploy(**changes) as client:
            assert known(await client.get(path)) == expected, (changes, path)


async def test_colour_of_the_team_is_on_the_pages_for_developers(deploy: Deploy) -> None:
    async with deploy(brand_name="Tom & Jerry", brand_color="#FFD400") as client:
        for path in ("/docs", "/redoc", "/errors"):
            page = await client.get(path)
            assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
            assert "Tom &amp; Jerry</a>" in page.text
            for file in re.findall(r'(?:src|href)="(/docs/[^"]+)"', page.text):
                assert (await client.get(file)).status_code == 200, file
            assert 'href="/docs/brand.css"' in page.text
        style = await client.get("/docs/brand.css")
        link = re.search(r'"main": "(#[0-9a-f]{6})"', html.unescape((await client.get("/redoc")).text))

    assert style.headers["content-type"].startswith("text/css")
    assert "--brand: #ffd400; --on-brand: #000000" in style.text
    assert link
    assert contrast(link[1], "#ffffff") >= READABLE


async def test_boards_leave_the_navigation_in_production_and_stay(deploy: Deploy) -> None:
    async with deploy() as development, deploy(environment="production") as production:
        for path in ("/account", "/welcome", "/sign-in"):
            assert 'href="/boards"' in (await development.get(path)).text
            assert 'href="/boards"' not in (await production.get(path)).text
        assert (await production.get("/boards")).status_code == 200
