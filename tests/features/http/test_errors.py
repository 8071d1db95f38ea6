"""Failures: one shape, whatever went wrong, and nothing of what the caller sent."""

import json
import logging
from collections.abc import AsyncIterator
from typing import Any

import pytest
from fastapi import FastAPI
from fastapi.responses import StreamingResponse
from fastapi.routing import iter_route_contexts
from starlette.exceptions import HTTPException

from gatepost.core.settings import LogLevel
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, assert_problem, assert_problem_page

SECRET = "s3cret-Horse"
OUR_PAGE = {"Origin": "http://localhost:8081"}


def add_route(app: FastAPI, failure: Exception) -> None:
    """Give the app a route that fails like this."""

    async def fail() -> None:
        raise failure

    app.add_api_route("/api/fail", fail)


@pytest.mark.parametrize("path", ["/nothing", "/api/auth/nothing", "/api/test", "/docs/assets/nothing.js", "/%2e%2e/"])
async def test_unknown_address_is_a_problem(module_api: Api, path: str) -> None:
    body = assert_problem(await module_api.get(path), 404, "not_found")

    assert body.keys() == {"type", "title", "status", "code", "message", "detail", "requestId", "errors"}
    assert body["type"] == "http://localhost:8080/errors#not_found"
    assert body["errors"] == []


async def test_slash_at_the_end_leads_nowhere_else(app: FastAPI, api: Api) -> None:
    paths = {route.path for route in iter_route_contexts(app.routes) if route.path and "{" not in route.path}

    assert len(paths) > 20
    for path in paths - {"/"}:
        for method in ("GET", "POST"):
            for odd in (f"{path}/", f"{path}//"):
                headers = {"Host": "elsewhere.example", "X-Forwarded-Host": "elsewhere.example"}
                answer = await api.client.request(method, odd, headers=headers)

                # The folders of assets take no POST.
                assert answer.status_code in (404, 405), odd
                assert "location" not in answer.headers
                assert "elsewhere" not in answer.text


@pytest.mark.parametrize(
    ("method", "path", "allowed"),
    [
        ("GET", "/api/auth/signin", {"POST"}),
        ("PUT", "/api/auth/signup", {"POST"}),
        ("POST", "/api/test/all", {"GET", "HEAD"}),
        ("DELETE", "/api/auth/sessions", {"GET", "HEAD"}),
        ("GET", "/api/auth/sessions/1", {"DELETE"}),
    ],
)
async def test_other_method_is_a_problem_that_names_the_right_one(
    module_api: Api, method: str, path: str, allowed: set[str]
) -> None:
    answer = await module_api.client.request(method, path)

    assert_problem(answer, 405, "method_not_allowed")
    assert set(answer.headers["allow"].split(", ")) == allowed


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/api/auth/signup", {"username": SECRET, "email": SECRET, "password": SECRET * 200, SECRET: SECRET}),
        ("/api/auth/signup", {"username": 1, "email": [SECRET], "password": {SECRET: SECRET}, "roles": SECRET}),
        ("/api/auth/signup", {"username": f"{SECRET}@", "email": f"{SECRET}@x.example", "password": SECRET}),
        ("/api/auth/signin", {"username": "x", "password": [SECRET]}),
        ("/api/auth/signin", {"password": SECRET}),
        ("/api/auth/signin", SECRET),
        ("/api/auth/refreshtoken", {"refreshToken": {SECRET: 1}}),
        ("/api/auth/refreshtoken", {"refreshToken": SECRET * 20}),
        ("/api/auth/token", {"grant_type": SECRET}),
    ],
)
async def test_value_that_was_refused_is_not_repeated(
    module_api: Api, caplog: pytest.LogCaptureFixture, path: str, body: Any
) -> None:
    answer = await module_api.post(path, json=body)

    assert 400 <= answer.status_code < 500
    # The name of an unknown member is told, its value is not.
    text = answer.text.replace(f'"field":"{SECRET}"', "").replace(f"{SECRET}: Extra inputs", "")
    assert SECRET not in text
    assert SECRET not in caplog.text


async def test_crash_is_answered_and_only_the_log_has_the_cause(
    app: FastAPI, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    add_route(app, RuntimeError(f"a bug with {SECRET}"))

    answer = await api.get("/api/fail", headers=OUR_PAGE)

    body = assert_problem(answer, 500, "internal_error")
    assert SECRET not in answer.text
    assert answer.headers["access-control-allow-origin"] == "http://localhost:8081"
    assert "x-request-id" in answer.headers["access-control-expose-headers"].lower()
    assert answer.headers["cache-control"] == "no-store"
    [record] = [record for record in caplog.records if record.levelno == logging.ERROR]
    assert body["requestId"] in record.getMessage()
    assert "RuntimeError" in caplog.text


@pytest.mark.parametrize("environment", ["development", "production"])
async def test_crash_tells_nothing_of_the_inside_in_any_mode(
    make_services: MakeServices, monkeypatch: pytest.MonkeyPatch, environment: str
) -> None:
    for name in ("DEBUG", "GATEPOST_DEBUG", "FASTAPI_DEBUG", "STARLETTE_DEBUG"):
        monkeypatch.setenv(name, "true")
    services = make_services(environment=environment, log_level=LogLevel.DEBUG)
    async with started(services) as app, http_client(app) as client:
        add_route(app, RuntimeError(f"a bug with {SECRET}"))
        answers = [
            await client.get(path, headers={"Accept": accepted})
            for path in ("/api/fail", "/api/fail?debug=true&trace=1")
            for accepted in ("*/*", "text/html", "text/plain")
        ]

        assert not app.debug
        assert not services.platform.database.engine.echo
    for answer in answers:
        if answer.request.headers["accept"] == "text/html":
            assert_problem_page(answer, 500, "internal_error")
        else:
            body = assert_problem(answer, 500, "internal_error")
            assert body["message"] == "Something went wrong on our side. Please try again."
        for inside in (SECRET, "RuntimeError", "Traceback", ".py", "gatepost/"):
            assert inside not in answer.text


@pytest.mark.parametrize(
    "path", ["/", "/api/test/all", "/api/auth/signin", "/sign-in", "/docs", "/docs/static/icon.svg"]
)
@pytest.mark.parametrize("method", ["TRACE", "TRACK", "DEBUG", "CONNECT"])
async def test_no_method_sends_a_request_back(module_api: Api, method: str, path: str) -> None:
    answer = await module_api.client.request(
        method, path, headers={"X-Canary": SECRET, "Cookie": f"gatepost_access={SECRET}"}
    )

    assert_problem(answer, 405, "method_not_allowed")
    assert SECRET not in answer.text
    assert method not in answer.headers["allow"]


async def test_crash_in_the_middle_of_an_answer_breaks_it_off(
    app: FastAPI, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"first"
        raise RuntimeError("a bug")

    async def stream() -> StreamingResponse:
        return StreamingResponse(parts())

    app.add_api_route("/api/stream", stream)

    answer = await api.get("/api/stream")

    assert (answer.status_code, answer.content) == (200, b"first")
    assert answer.headers["x-request-id"] in caplog.text


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (400, "malformed_body"),
        (404, "not_found"),
        (413, "body_too_large"),
        (429, "http_error"),
        (503, "http_error"),
    ],
)
async def test_failure_of_the_framework_has_the_same_shape(app: FastAPI, api: Api, status: int, code: str) -> None:
    add_route(app, HTTPException(status, detail=SECRET, headers={"Retry-After": "7"}))

    answer = await api.get("/api/fail")

    assert_problem(answer, status, code)
    assert SECRET not in answer.text
    if code == "http_error":
        assert answer.headers["retry-after"] == "7"


@pytest.mark.parametrize("offered", ["0123456789abcdef", "a-request_ID-of-the-caller", "A" * 64])
async def test_request_keeps_the_id_that_it_brings(module_api: Api, offered: str) -> None:
    answer = await module_api.get("/nothing", headers={"X-Request-ID": offered})

    assert assert_problem(answer, 404, "not_found")["requestId"] == offered


@pytest.mark.parametrize("offered", ["", "short", "x" * 65, "with space", "new%0aline", "<script>alert</script>"])
async def test_id_that_could_harm_a_log_is_replaced(module_api: Api, offered: str) -> None:
    answer = await module_api.get("/nothing", headers={"X-Request-ID": offered})

    assert answer.headers["x-request-id"] != offered
    assert len(answer.headers["x-request-id"]) == 32


async def test_every_code_of_an_answer_is_explained_on_the_page_that_its_type_names(module_api: Api) -> None:
    body = assert_problem(await module_api.get("/api/test/user"), 401, "token_missing")
    path, _, anchor = body["type"].removeprefix("http://localhost:8080").partition("#")

    page = await module_api.get(path)

    assert page.headers["content-type"] == "text/html; charset=utf-8"
    assert f'id="{anchor}"' in page.text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/api/auth/signup"),
        ("POST", "/api/auth/signin"),
        ("POST", "/api/auth/token"),
        ("POST", "/api/auth/refreshtoken"),
        ("GET", "/api/users/me"),
        ("GET", "/api/test/user"),
        ("GET", "/api/nothing"),
    ],
)
async def test_no_cache_keeps_a_failure(module_api: Api, method: str, path: str) -> None:
    answer = await module_api.client.request(method, path, content=json.dumps({}))

    assert answer.is_client_error
    assert answer.headers["cache-control"] == "no-store"


async def test_crash_on_a_form_of_many_fields_is_a_problem(api: Api, app: FastAPI) -> None:
    add_route(app, LookupError("no such thing"))

    answer = await api.get("/api/fail?" + "a=b&" * 1500)

    assert_problem(answer, 500, "internal_error")
