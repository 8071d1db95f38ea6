"""HEAD on whatever answers GET: monitors, link checkers and proxies ask that way."""

import re

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import iter_route_contexts

from gatepost.composition.services import Services
from tests.features.admin.conftest import give
from tests.support.api import Api
from tests.support.server import gatepost_server

# Different in each answer: its time, or the nonce and id of a page.
VARYING = {"x-request-id", "date", "set-cookie"}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
async def test_head_is_answered_as_get_without_its_body(app: FastAPI, api: Api, services: Services) -> None:
    root = await api.sign_up()
    await give(services.platform.database, root.id, ["admin"])
    root = await api.sign_in()
    paths = [route.path or "" for route in iter_route_contexts(app.routes) if "GET" in (route.methods or ())]
    assert len(paths) > 40
    for path in paths:
        address = re.sub(r"\{[^}]*\}", "1", path)
        got = await api.get(address, headers=root.headers)

        answer = await api.client.head(address, headers=root.headers)

        assert (answer.status_code, answer.content) == (got.status_code, b""), path
        told, expected = ({k: v for k, v in each.headers.items() if k not in VARYING} for each in (answer, got))
        assert told.keys() == expected.keys(), path
        if "no-store" not in expected.get("cache-control", ""):
            assert told == expected, path


async def test_head_for_what_only_other_methods_know_is_refused_without_a_body(api: Api) -> None:
    answer = await api.client.head("/api/auth/signin")

    assert (answer.status_code, answer.content, answer.headers["allow"]) == (405, b"", "POST")


def test_connection_goes_on_after_a_head() -> None:
    with gatepost_server() as server, httpx.Client(base_url=server.url, trust_env=False) as client:
        for method in ("HEAD", "GET", "HEAD"):
            answer = client.request(method, "/docs")

            assert answer.status_code == 200
            assert bool(answer.content) == (method == "GET")
            assert int(answer.headers["content-length"]) > 400
