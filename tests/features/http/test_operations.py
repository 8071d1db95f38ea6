"""What operations and newcomers ask: is it alive, can it serve, where are the docs."""

import re

import pytest
from pydantic import SecretStr

from gatepost import __version__
from gatepost.app import create_app
from tests.conftest import MakeServices, http_client
from tests.support.api import Api, assert_problem


async def test_root_tells_where_to_read_on(api: Api) -> None:
    answer = await api.get("/")

    body = answer.json()
    assert body["message"] == "Welcome to Gatepost."
    assert body["version"] == __version__
    for name in ("docs", "openapi"):
        assert (await api.get(body[name])).status_code == 200


async def test_living_and_ready_service_says_so(api: Api) -> None:
    assert (await api.get("/healthz")).json() == {"status": "alive"}
    assert (await api.get("/readyz")).json()["status"] == "ready"


@pytest.mark.parametrize("path", ["/docs", "/redoc", "/errors"])
async def test_pages_ask_no_other_host(api: Api, path: str) -> None:
    page = await api.get(path)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert not re.findall(r"""(?:src|href)=["'](?:https?:)?//""", page.text)
    for asset in re.findall(r"""(?:src|href)=["'](/docs/[^"']+)""", page.text):
        assert (await api.get(asset)).status_code == 200, asset


async def test_no_folder_is_listed(api: Api) -> None:
    page = await api.get("/welcome")
    [versioned] = set(re.findall(r"/console/[0-9a-f]+", page.text))
    folders = [
        "/docs/assets",
        "/docs/static",
        "/console",
        versioned,
        f"{versioned}/js",
        "/api",
        "/api/auth",
        "/.well-known",
    ]

    for folder in folders:
        for path in (folder, f"{folder}/", f"{folder}/.", f"{folder}/./", f"{folder}//", f"{folder}/%2e%2e/"):
            for accepted in ("*/*", "text/html"):
                answer = await api.client.get(path, headers={"Accept": accepted}, follow_redirects=True)
                assert answer.status_code == 404, path
                # The page that a browser gets names its own files in its head, and none in its body.
                body = answer.text.partition("<body")[2] or answer.text
                assert not re.search(r"\.(js|css|png|py)\b", body), path


async def test_service_without_its_database_is_alive_and_not_ready(make_services: MakeServices) -> None:
    nowhere = make_services(database_url=SecretStr("mysql://root@127.0.0.1:1/gatepost"))
    async with http_client(create_app(services=nowhere)) as client:
        alive, ready = await client.get("/healthz"), await client.get("/readyz")
        sign_in = await client.post("/api/auth/signin", json={"username": "Abbey Salami", "password": "x"})

    assert alive.status_code == 200
    for answer in (ready, sign_in):
        assert_problem(answer, 503, "database_unavailable")
        assert answer.headers["retry-after"] == "1"
