"""SPA_DIR: a built app at `/`, beside the API and never in its way."""

import asyncio
import gzip
import os
import re
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from sqlalchemy import URL

from gatepost.app import create_app
from gatepost.http.spa.app import is_hashed
from tests.conftest import MakeServices, started
from tests.support.api import Api, assert_problem, assert_problem_page
from tests.support.server import served

INDEX = """<!doctype html><title>The app</title>
<link rel="stylesheet" href="/styles-QX7KJ2ZA.css" onload="this.media='all'">
<script>window.built = 1</script><script type="module" src="/assets/index-BxYz12_3.js"></script>"""
SCRIPT = "console.log('the app');\n" * 50
PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
SECRET = "not of the app"


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return the one database that these tests need: files know none."""
    return sqlite_url


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a build, with what must not be served in it and beside it."""
    folder = tmp_path / "dist"
    for name, content in {
        "index.html": INDEX,
        "favicon.ico": "icon",
        "config.json": "{}",
        "assets/index-BxYz12_3.js": SCRIPT,
        "assets/font.woff2": "font",
        "api/stolen.json": SECRET,
        "docs/index.html": SECRET,
        ".env": SECRET,
        "assets/.hidden": SECRET,
        "../secret.txt": SECRET,
    }.items():
        file = folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    (folder / "assets/index-BxYz12_3.js.gz").write_bytes(gzip.compress(SCRIPT.encode()))
    (folder / "assets/out.txt").symlink_to(folder.parent / "secret.txt")
    (folder / "outside").symlink_to(folder.parent)
    (folder / "back.txt").symlink_to(folder / "config.json")
    os.mkfifo(folder / "pipe")
    return folder


@pytest.fixture
async def app(make_services: MakeServices, folder: Path) -> AsyncIterator[FastAPI]:
    """Give the app, started, with the build in it."""
    async with started(make_services(spa_dir=folder)) as app:
        yield app


async def test_start_page_is_the_app_and_is_asked_for_again_each_time(api: Api) -> None:
    page = await api.get("/")

    assert (page.status_code, page.text) == (200, INDEX)
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert page.headers["cache-control"] == "no-cache"
    again = await api.get("/", headers={"If-None-Match": page.headers["etag"]})
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["content-security-policy"] == page.headers["content-security-policy"]
    head = await api.client.head("/")
    assert (head.content, head.headers["content-length"]) == (b"", str(len(INDEX)))


async def test_new_build_of_the_same_age_and_size_is_another_page(api: Api, folder: Path) -> None:
    index, age = folder / "index.html", (1, 1)
    os.utime(index, age)
    before = await api.get("/")
    index.write_text(INDEX.replace("BxYz12_3", "CxYz12_3"))
    os.utime(index, age)

    after = await api.get("/", headers={"If-None-Match": before.headers["etag"]})

    assert after.status_code == 200
    assert "CxYz12_3" in after.text


async def test_address_that_the_app_routes_itself_is_its_page_for_a_browser_alone(api: Api) -> None:
    for path in ("/users", "/users/7", "/users/7/", "/Api/x", "/api-keys", "/users/J%C3%BCrgen"):
        assert (await api.get(path, headers=PAGE)).text == INDEX
        assert (await api.client.head(path, headers=PAGE)).status_code == 200
        assert_problem(await api.get(path), 404, "not_found")
        assert_problem_page(await api.post(path, headers=PAGE), 404, "not_found")


async def test_hashed_file_is_kept_for_a_year_and_others_for_minutes(api: Api) -> None:
    script = await api.get("/assets/index-BxYz12_3.js")
    icon, font = await api.get("/favicon.ico"), await api.get("/assets/font.woff2")

    assert script.headers["cache-control"] == "public, max-age=31536000, immutable"
    assert script.headers["content-type"] == "text/javascript; charset=utf-8"
    assert font.headers["content-type"] == "font/woff2"
    for answer in (icon, font):
        assert answer.headers["cache-control"] == "public, max-age=300"
        known = await api.get(answer.request.url.path, headers={"If-None-Match": answer.headers["etag"]})
        assert (known.status_code, known.content) == (304, b"")
    for answer in (script, icon, font):
        assert answer.headers["x-content-type-options"] == "nosniff"
    assert_problem(await api.post("/favicon.ico"), 405, "method_not_allowed")


async def test_file_that_is_missing_is_never_the_app(api: Api) -> None:
    for path in ("/assets/index-OLD12345.js", "/logo.png", "/a/b.css"):
        assert_problem(await api.get(path), 404, "not_found")
        assert_problem_page(await api.get(path, headers=PAGE), 404, "not_found")


async def test_part_of_a_file_is_sent_alone(api: Api) -> None:
    part = await api.get("/assets/index-BxYz12_3.js", headers={"Range": "bytes=8-10", "Accept-Encoding": "identity"})

    assert (part.status_code, part.text) == (206, SCRIPT[8:11])
    assert part.headers["content-range"] == f"bytes 8-10/{len(SCRIPT)}"


async def test_compressed_twin_is_sent_to_who_takes_it(api: Api) -> None:
    path = "/assets/index-BxYz12_3.js"
    packed = await api.get(path, headers={"Accept-Encoding": "br;q=1.0, gzip"})
    plain = await api.get(path, headers={"Accept-Encoding": "gzip;q=0"})

    assert (packed.headers["content-encoding"], packed.text) == ("gzip", SCRIPT)
    assert packed.headers["content-type"] == plain.headers["content-type"]
    assert int(packed.headers["content-length"]) < len(SCRIPT)
    assert "content-encoding" not in plain.headers
    assert packed.headers["etag"] != plain.headers["etag"]
    assert "Accept-Encoding" in packed.headers["vary"]
    assert "Accept-Encoding" in plain.headers["vary"]


async def test_page_runs_what_was_built_and_nothing_that_is_put_in_later(api: Api) -> None:
    policy = (await api.get("/")).headers["content-security-policy"]

    scripts = re.findall(r"script-src ([^;]+)", policy)[0].split()
    # openssl dgst -sha256 -binary | base64, of the script and of the handler
    assert "'sha256-lB7FzDY3A5C0yNFIdKyhgwl1PPZAgAUGtrm7Pa120Ck='" in scripts
    assert "'sha256-MhtPZXr7+LpJUY5qtMutB+qWfQtMaPccfe7QXtCcEYc='" in scripts
    assert "'unsafe-inline'" not in policy
    assert "'unsafe-eval'" not in scripts


async def test_nothing_of_gatepost_is_hidden_by_the_app(api: Api) -> None:
    assert (await api.get("/healthz")).json() == {"status": "alive"}
    assert (await api.get("/readyz")).json()["status"] == "ready"
    assert "swagger" in (await api.get("/docs", headers=PAGE)).text
    assert "redoc" in (await api.get("/redoc", headers=PAGE)).text
    assert (await api.get("/openapi.json")).json()["paths"]
    assert "Error codes" in (await api.get("/errors", headers=PAGE)).text
    assert (await api.get("/.well-known/jwks.json")).json()["keys"]
    assert (await api.get("/metrics")).status_code == 200
    assert (await api.get("/verify-email", headers=PAGE)).text != INDEX
    assert_problem_page(await api.get("/api/test/user", headers=PAGE), 401, "token_missing")
    assert (await api.post("/oauth/introspect", headers=PAGE)).status_code == 401
    assert_problem(await api.post("/api/test/user"), 405, "method_not_allowed")


async def test_below_the_addresses_of_gatepost_nothing_is_the_app(api: Api) -> None:
    for path in ("/api/stolen.json", "/api", "/%61pi/x", "/docs/nothing", "/oauth/x", "/.well-known/x", "/console/x/y"):
        assert_problem_page(await api.get(path, headers=PAGE), 404, "not_found")


async def test_names_that_built_apps_have_for_their_files_are_free(api: Api, folder: Path) -> None:
    for name in ("assets", "static", "js", "css", "img", "images", "fonts", "media", "icons", "locales", "_app"):
        (folder / name).mkdir(exist_ok=True)
        (folder / name / "file.txt").write_text(name)
        assert (await api.get(f"/{name}/file.txt")).text == name
    for name in ("favicon.ico", "favicon.svg", "robots.txt", "manifest.webmanifest", "sw.js", "apple-touch-icon.png"):
        (folder / name).write_text(name)
        assert (await api.get(f"/{name}")).text == name


HARMFUL = (
    "/../secret.txt", "/assets/../../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt", "/%2e%2e%2fsecret.txt",
    "/..%5csecret.txt", "/..\\secret.txt", "/assets/..%2f..%2fsecret.txt", "/%252e%252e/secret.txt",
    "//etc/passwd", "/%2fetc/passwd", "/etc/passwd%00.html", "/assets/%00", "/C:/secret.txt",
    "/.env", "/assets/.hidden", "/assets/out.txt", "/outside/secret.txt", "/assets//index-BxYz12_3.js",
    "/./config.json", "/" + "a" * 300 + ".js", "/" + "a/" * 3000 + "x.js",
)  # fmt: skip


async def test_nothing_beside_the_build_is_served(app: FastAPI) -> None:
    async with served(app) as url:
        for path in HARMFUL:
            answer = await _as_it_is(url, path)
            assert answer.startswith(b"HTTP/1.1 404"), path
            assert SECRET.encode() not in answer, path


@pytest.mark.parametrize("path", ["/assets", "/assets/", "/assets/.", "/assets//", "/assets/?list"])
async def test_folder_of_the_build_is_not_listed(api: Api, path: str) -> None:
    assert_problem(await api.get(path), 404, "not_found")
    for_a_browser = await api.get(path, headers=PAGE)
    assert for_a_browser.status_code == 404 or for_a_browser.text == INDEX


async def test_what_is_no_plain_file_is_not_served(api: Api) -> None:
    assert_problem(await api.get("/pipe"), 404, "not_found")
    assert_problem(await api.get("/assets"), 404, "not_found")


async def test_link_within_the_build_is_served(api: Api) -> None:
    assert (await api.get("/back.txt")).text == "{}"


async def test_link_to_the_newest_release_can_be_turned(make_services: MakeServices, tmp_path: Path) -> None:
    for release in ("first", "second"):
        (tmp_path / release).mkdir()
        (tmp_path / release / "index.html").write_text(release)
    current = tmp_path / "current"
    current.symlink_to(tmp_path / "first")
    app = create_app(services=make_services(spa_dir=current))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://localhost") as client:
        assert (await client.get("/")).text == "first"
        current.unlink()
        current.symlink_to(tmp_path / "second")
        assert (await client.get("/")).text == "second"


async def test_part_of_the_app_that_gatepost_hides_is_told_at_the_start(
    make_services: MakeServices, folder: Path, caplog: pytest.LogCaptureFixture
) -> None:
    create_app(services=make_services(spa_dir=folder))

    said = [record.getMessage() for record in caplog.records if record.name == "gatepost"]
    assert [message.partition(",")[0] for message in said] == ["SPA_DIR has api", "SPA_DIR has docs"]


@pytest.mark.parametrize(
    ("name", "hashed"),
    [
        ("index-BxYz12_3.js", True), ("index-D3k-aZ_q.css", True), ("logo-CIGW-MKW.svg", True),
        ("main-5QIXYZ7A.js", True), ("chunk-ABCDEFGH.js", True), ("main.1a2b3c4d5e6f7890abcd.js", True),
        ("app.3f2a1b9c.js", True), ("app.3f2a1b9c.js.map", True), ("787.28cb0dcd.chunk.js", True),
        ("index.html", False), ("main.js", False), ("sw.js", False), ("apple-touch-icon.png", False),
        ("my-pictures.png", False), ("hero-image-v2.png", False), ("photo-20240115.jpg", False),
        ("wallpaper-1024x768.jpg", False), ("android-chrome-192x192.png", False), ("jquery-3.7.1.min.js", False),
        ("font-semibold.woff2", False), ("logo-Original.svg", False),
    ],
)  # fmt: skip
def test_hashed_names_are_told_from_words(name: str, hashed: bool) -> None:
    assert is_hashed(name) is hashed


async def _as_it_is(url: str, path: str) -> bytes:
    """Ask for a path that no client would let out, as a browser that opens a page."""
    host, _, port = url.removeprefix("http://").partition(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(f"GET {path} HTTP/1.1\r\nHost: x\r\nAccept: text/html\r\nConnection: close\r\n\r\n".encode())
    async with asyncio.timeout(60):
        answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer
