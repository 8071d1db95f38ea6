"""The security headers for browsers."""

import pytest
from fastapi import FastAPI, Response

from gatepost.http.security_headers import DATA_POLICY
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api

DATA = DATA_POLICY.decode()
ANSWERS = [
    ("GET", "/", 200),
    ("GET", "/api/test/all", 200),
    ("GET", "/api/test/user", 401),
    ("GET", "/nothing", 404),
    ("POST", "/api/auth/signin", 415),
    ("DELETE", "/api/auth/signin", 405),
    ("GET", "/healthz", 200),
    ("GET", "/metrics", 200),
    ("GET", "/docs", 200),
    ("GET", "/redoc", 200),
    ("GET", "/errors", 200),
    ("GET", "/verify-email", 200),
    ("GET", "/console/any/js/sign-in.js", 200),
    ("GET", "/docs/assets/swagger-ui.css", 200),
    ("OPTIONS", "/api/auth/signin", 200),
]
ALIKE = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
WITH_OWN_POLICY = ("/docs", "/redoc", "/errors", "/verify-email", "/console/any/js/sign-in.js")


async def test_every_answer_has_each_careful_header_once(api: Api) -> None:
    for method, path, status in ANSWERS:
        preflight = {"Origin": "http://localhost:8081", "Access-Control-Request-Method": "POST"}
        answer = await api.client.request(
            method, path, headers=preflight if method == "OPTIONS" else {}, content=b"x" if method == "POST" else None
        )

        assert answer.status_code == status, path
        for name, value in ALIKE.items():
            assert answer.headers.get_list(name) == [value], (path, name)
        [policy] = answer.headers.get_list("content-security-policy")
        assert "default-src 'none'" in policy, path
        assert "frame-ancestors 'none'" in policy, path
        assert (policy == DATA) is (path not in WITH_OWN_POLICY), path
        assert "strict-transport-security" not in answer.headers
        if path.startswith(("/api/", "/healthz", "/metrics")) and method != "OPTIONS":
            assert answer.headers["cache-control"] == "no-store", path
            assert answer.headers["pragma"] == "no-cache", path


async def test_crash_has_them_too(app: FastAPI, api: Api) -> None:
    async def fail() -> None:
        raise RuntimeError("a bug")

    app.add_api_route("/api/fail", fail)

    answer = await api.get("/api/fail", headers={"Origin": "http://localhost:8081"})

    assert answer.status_code == 500
    assert answer.headers["content-security-policy"] == DATA
    assert answer.headers["access-control-allow-origin"] == "http://localhost:8081"
    assert answer.headers["x-request-id"] == answer.json()["requestId"]


async def test_route_keeps_what_it_says_itself(app: FastAPI, api: Api) -> None:
    own = {
        "Content-Security-Policy": "default-src 'self'",
        "Cache-Control": "max-age=60",
        "X-Frame-Options": "SAMEORIGIN",
    }

    async def page() -> Response:
        return Response("", headers=own)

    app.add_api_route("/api/page", page)

    headers = (await api.get("/api/page")).headers

    assert "pragma" not in headers
    assert {name: headers.get_list(name) for name in own} == {name: [value] for name, value in own.items()}


async def test_no_cache_old_or_new_keeps_a_token(api: Api) -> None:
    person = await api.sign_up()
    form = {"grant_type": "password", "username": person.username, "password": person.password}

    for answer in (
        await api.post("/api/auth/signin", json={"username": person.username, "password": person.password}),
        await api.post("/api/auth/token", data=form),
        await api.post("/api/auth/token", data=form | {"password": "x"}),
        await api.refresh(person.refresh_token),
        await api.post("/oauth/introspect", data={"token": person.access_token}),
    ):
        assert answer.headers.get_list("cache-control") == ["no-store"]
        assert answer.headers.get_list("pragma") == ["no-cache"]


@pytest.mark.parametrize(
    ("environment", "public_url", "is_asked_for"),
    [
        ("production", "https://auth.example.com", True),
        ("production", "http://auth.internal", False),
        ("development", "https://auth.example.com", False),
    ],
)
async def test_https_is_asked_for_where_production_is_reached_by_it(
    make_services: MakeServices, environment: str, public_url: str, is_asked_for: bool
) -> None:
    services = make_services(environment=environment, public_url=public_url)
    async with started(services) as app, http_client(app) as client:
        headers = (await client.get("/api/test/all")).headers

    expected = ["max-age=31536000; includeSubDomains"] if is_asked_for else []
    assert headers.get_list("strict-transport-security") == expected
