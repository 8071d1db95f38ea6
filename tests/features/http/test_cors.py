"""Which pages of other origins may call the API."""

from typing import Any

import pytest

from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, assert_problem

PAGE = "http://localhost:8081"


@pytest.mark.parametrize("header", ["content-type", "authorization", "x-access-token", "content-type,x-access-token"])
@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/api/auth/signin", "POST"),
        ("/api/auth/refreshtoken", "POST"),
        ("/api/test/user", "GET"),
        ("/api/auth/sessions/1", "DELETE"),
    ],
)
async def test_preflight_of_the_page_is_answered(api: Api, path: str, method: str, header: str) -> None:
    answer = await api.client.options(
        path,
        headers={
            "Origin": PAGE,
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": header,
        },
    )

    assert answer.status_code == 200
    assert answer.headers["access-control-allow-origin"] == PAGE
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert method in answer.headers["access-control-allow-methods"]
    allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert set(header.split(",")) <= allowed


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:8081.evil.example", f"{PAGE}/"])
async def test_page_of_another_origin_is_let_in_nowhere(api: Api, origin: str) -> None:
    preflight = await api.client.options(
        "/api/auth/signin", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
    )
    answer = await api.get("/api/test/all", headers={"Origin": origin})

    assert preflight.status_code == 400
    for each in (preflight, answer):
        assert "access-control-allow-origin" not in each.headers


async def test_page_reads_failures_too(api: Api) -> None:
    headers = {"Origin": PAGE}

    for answer in (
        await api.get("/api/test/user", headers=headers),
        await api.get("/nothing", headers=headers),
        await api.post("/api/auth/signin", content=b"{", headers={**headers, "Content-Type": "application/json"}),
        await api.post("/api/auth/signin", content=b" " * 70000, headers=headers),
    ):
        assert answer.is_client_error
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert answer.headers["access-control-allow-credentials"] == "true"


async def test_origins_are_those_of_the_setting(make_services: MakeServices) -> None:
    services = make_services(cors_origins=("https://app.example", "https://admin.example"))
    async with started(services) as app, http_client(app) as client:
        allowed = await client.get("/api/test/all", headers={"Origin": "https://admin.example"})
        refused = await client.get("/api/test/all", headers={"Origin": PAGE})

    assert allowed.headers["access-control-allow-origin"] == "https://admin.example"
    assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize(
    ("named", "sent"),
    [
        ("https://App.Example/", "https://app.example"),
        ("https://app.example:443", "https://app.example"),
        ("https://münchen.example/", "https://xn--mnchen-3ya.example"),
        ("http://[0:0:0:0:0:0:0:1]:8081", "http://[::1]:8081"),
        ("capacitor://localhost", "capacitor://localhost"),
    ],
)
async def test_origin_is_let_in_however_it_is_written(make_services: MakeServices, named: str, sent: str) -> None:
    async with started(make_services(cors_origins=(named,))) as app, http_client(app) as client:
        answer = await client.get("/api/test/all", headers={"Origin": sent})
        person = await Api(client).sign_up()
        cookie = {"Cookie": f"gatepost_access={person.access_token}"}
        changed = await client.post("/api/auth/signout-others", headers={**cookie, "Origin": sent})
        forged = await client.post("/api/auth/signout-others", headers={**cookie, "Origin": f"{sent}/"})

    assert answer.headers["access-control-allow-origin"] == sent
    assert answer.headers["access-control-allow-credentials"] == "true"
    assert changed.status_code == 204
    assert_problem(forged, 403, "cross_site_request")


@pytest.mark.parametrize("changes", [{"environment": "production"}, {"cors_origins": ()}])
async def test_page_of_development_is_not_let_in_where_none_is_named(
    make_services: MakeServices, changes: dict[str, Any]
) -> None:
    async with started(make_services(**changes)) as app, http_client(app) as client:
        answer = await client.get("/api/test/all", headers={"Origin": PAGE})
        preflight = await client.options(
            "/api/auth/signin", headers={"Origin": PAGE, "Access-Control-Request-Method": "POST"}
        )

    assert preflight.status_code == 400
    for each in (preflight, answer):
        assert "access-control-allow-origin" not in each.headers


async def test_any_origin_gets_no_credentials(make_services: MakeServices) -> None:
    async with started(make_services(cors_origins=("*",))) as app, http_client(app) as client:
        answer = await client.get("/api/test/all", headers={"Origin": "https://anyone.example"})
        forged = await client.post(
            "/api/auth/refreshtoken", headers={"Origin": "https://anyone.example", "Cookie": "gatepost_refresh=x"}
        )

    assert answer.headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in answer.headers
    assert_problem(forged, 403, "cross_site_request")
