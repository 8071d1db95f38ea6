"""Which pages of other origins may call the API."""

from typing import Any

import pytest
from sqlalchemy import URL

from gatepost.http.cors import MOST_TOLD
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, Person, assert_problem

PAGE = "http://localhost:8081"


HEADERS = ["content-type", "authorization", "x-access-token", "content-type,x-access-token", "baggage,traceparent",
           "x-requested-with", "x-of-some-app"]  # fmt: skip
LOCAL = [
    "http://localhost:5173", "http://127.0.0.1:3000", "http://localhost", "https://localhost:8443", "http://[::1]:4200",
]  # fmt: skip
NOT_LOCAL = [
    "http://localhost.evil.example:3000", "http://localhost:3000.evil.example", "http://127.0.0.2:3000", "http://localhost:",
    "http://localhost:0", "http://user@localhost:3000", "http://LOCALHOST:3000", "ftp://localhost:3000", "null", "",
    "http://localhost:3000/", "http://localhost:3000 ", "http://xlocalhost:3000", "http://evil.example/http://localhost:3000",
]  # fmt: skip


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return one database: origins are judged before any is asked."""
    return sqlite_url


@pytest.fixture(scope="module")
async def somebody(module_api: Api) -> Person:
    """Return an account of the module's app."""
    return await module_api.sign_up()


@pytest.mark.parametrize("header", HEADERS)
@pytest.mark.parametrize(
    ("path", "method"),
    [
        ("/api/auth/signin", "POST"),
        ("/api/auth/refreshtoken", "POST"),
        ("/api/test/user", "GET"),
        ("/api/auth/sessions/1", "DELETE"),
    ],
)
async def test_preflight_of_the_page_is_answered(module_api: Api, path: str, method: str, header: str) -> None:
    answer = await module_api.client.options(
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
async def test_page_of_another_origin_is_let_in_nowhere(module_api: Api, origin: str) -> None:
    preflight = await module_api.client.options(
        "/api/auth/signin", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
    )
    answer = await module_api.get("/api/test/all", headers={"Origin": origin})

    detail = assert_problem(preflight, 403, "origin_not_allowed")["detail"]
    # No setting takes `null`, so it says what does help.
    assert ("Serve the page" if origin == "null" else "CORS_ORIGINS") in detail
    for each in (preflight, answer):
        assert "access-control-allow-origin" not in each.headers
        assert "Origin" in each.headers["vary"].split(", ")


@pytest.mark.parametrize("origin", LOCAL)
async def test_any_page_of_this_machine_may_call_the_api_of_a_developer(
    module_api: Api, somebody: Person, origin: str
) -> None:
    preflight = await module_api.client.options(
        "/api/auth/signin", headers={"Origin": origin, "Access-Control-Request-Method": "POST"}
    )
    changed = await module_api.post(
        "/api/auth/signout-others", headers={"Origin": origin, "Cookie": f"gatepost_access={somebody.access_token}"}
    )

    assert (preflight.status_code, changed.status_code) == (200, 204)
    for answer in (preflight, changed):
        assert answer.headers["access-control-allow-origin"] == origin
        assert answer.headers["access-control-allow-credentials"] == "true"


@pytest.mark.parametrize("origin", NOT_LOCAL)
async def test_page_that_only_looks_like_one_of_this_machine_may_not(
    module_api: Api, somebody: Person, origin: str
) -> None:
    answer = await module_api.post(
        "/api/auth/signout-others", headers={"Origin": origin, "Cookie": f"gatepost_access={somebody.access_token}"}
    )

    assert_problem(answer, 403, "cross_site_request")
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("origin", LOCAL)
async def test_page_of_the_machine_of_a_visitor_may_not_in_production(make_services: MakeServices, origin: str) -> None:
    services = make_services(environment="production", cors_origins=("https://app.example",))
    async with started(services) as app, http_client(app) as client:
        answer = await client.get("/api/test/all", headers={"Origin": origin})

    assert "access-control-allow-origin" not in answer.headers


async def test_origin_that_is_refused_is_named_in_the_log_once(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(3):
        await api.get("/api/test/all", headers={"Origin": "https://app.example"})
        await api.get("/api/test/all", headers={"Origin": "null"})
        await api.get("/api/test/all", headers={"Origin": "x\x1b[2Jy"})
        await api.get("/api/test/all", headers={"Origin": "https://own.example", "Sec-Fetch-Site": "same-origin"})
        await api.get("/api/test/all", headers={"Origin": PAGE})

    told = [record.getMessage() for record in caplog.records if "may not call" in record.getMessage()]
    assert told == [
        "pages of https://app.example may not call the API. To allow them, add it to CORS_ORIGINS",
        "Local files and sandboxed frames have no origin and may not call the API. Serve the page from a web server.",
    ]


async def test_log_names_no_end_of_origins(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    for number in range(MOST_TOLD + 5):
        await api.get("/api/test/all", headers={"Origin": f"https://a{number}.example"})

    assert len([record for record in caplog.records if "CORS_ORIGINS" in record.getMessage()]) == MOST_TOLD


async def test_preflight_for_a_method_that_no_route_has_is_a_problem(module_api: Api) -> None:
    answer = await module_api.client.options(
        "/api/test/all", headers={"Origin": PAGE, "Access-Control-Request-Method": "BREW"}
    )

    assert_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET, HEAD, POST, PUT, PATCH, DELETE"


async def test_page_reads_failures_too(module_api: Api) -> None:
    headers = {"Origin": PAGE}

    for answer in (
        await module_api.get("/api/test/user", headers=headers),
        await module_api.get("/nothing", headers=headers),
        await module_api.post(
            "/api/auth/signin", content=b"{", headers={**headers, "Content-Type": "application/json"}
        ),
        await module_api.post("/api/auth/signin", content=b" " * 70000, headers=headers),
    ):
        assert answer.is_client_error
        assert answer.headers["access-control-allow-origin"] == PAGE
        assert answer.headers["access-control-allow-credentials"] == "true"


async def test_origins_are_those_of_the_setting(make_services: MakeServices) -> None:
    services = make_services(cors_origins=("https://app.example", "https://admin.example"))
    async with started(services) as app, http_client(app) as client:
        allowed = await client.get("/api/test/all", headers={"Origin": "https://admin.example"})
        refused = await client.get("/api/test/all", headers={"Origin": "https://app.example:8443"})

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

    assert_problem(preflight, 403, "origin_not_allowed")
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
