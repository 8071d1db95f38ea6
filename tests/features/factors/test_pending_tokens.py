"""The token of a pending sign-in: good for going on with it, and for nothing else."""

import re
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute
from sqlalchemy import func, select

from gatepost.core.db.database import Database
from gatepost.identity.assurance.models import PendingSignIn
from gatepost.identity.sessions.models import Session
from tests.support.api import Api, Person
from tests.support.clock import FakeClock
from tests.support.factors import App, go_on, pending_token

CONTINUE = "/api/auth/signin/continue"
PROVING = (CONTINUE, "/api/auth/passkeys/options")
# Every name under which some route takes a token or a secret.
FIELDS = ("token", "refreshToken", "accessToken", "pendingToken", "password", "currentPassword", "invitation", "code")
# These answer 200 to what is no token (RFC 7009, section 2.2), and do nothing.
SILENT = {"/oauth/revoke"}
FORM = {"grant_type": "refresh_token", "client_id": "gatepost"}


def routes(app: FastAPI) -> list[tuple[str, str]]:
    """Return every route but those that the token is for, with 1 in the place of its parameters."""
    return [
        (method, re.sub(r"\{[^}]*\}", "1", route.path))
        for route in app.routes
        if isinstance(route, APIRoute) and route.path not in PROVING
        for method in sorted(route.methods or ())
    ]


def presentations(token: str) -> list[dict[str, Any]]:
    """Return each way in which a request can carry a token."""
    headers: list[dict[str, str]] = [
        {"Authorization": f"Bearer {token}"},
        {"x-access-token": token},
        {"X-Device-Token": token},
        {"Cookie": f"gatepost_access={token}; gatepost_refresh={token}; gatepost_device={token}"},
    ]
    bodies: list[dict[str, Any]] = [{"json": {field: token}} for field in FIELDS]
    forms: list[dict[str, Any]] = [
        {"data": {**FORM, field: token}} for field in ("token", "refresh_token", "mfa_token")
    ]
    in_headers: list[dict[str, Any]] = [{"headers": header} for header in headers]
    return [*in_headers, {"params": {"token": token}}, *bodies, *forms]


@pytest.fixture
async def token(api: Api, person: Person, app_of_person: App) -> str:
    return await pending_token(api, person)


async def test_no_route_and_no_place_takes_it_for_anything_else(
    api: Api, app: FastAPI, token: str, person: Person, app_of_person: App, clock: FakeClock, database: Database
) -> None:
    async def look() -> tuple[int, int]:
        async with database.read() as tx:
            live = await tx.scalar(select(func.count()).select_from(Session).where(Session.ended_at.is_(None)))
            return live or 0, await tx.scalar(select(func.count()).select_from(PendingSignIn)) or 0

    failures: list[tuple[str, str, dict[str, Any], int]] = []
    before, asked = await look(), 0
    for method, path in routes(app):
        bare = await api.client.request(method, path)
        for presented in presentations(token):
            answer: httpx.Response = await api.client.request(method, path, **presented)
            asked += 1
            if (answer.is_success and not bare.is_success) or token in answer.text or answer.status_code >= 500:
                failures.append((method, path, presented, answer.status_code))
            if re.search(r"gatepost_(access=ey|refresh=gpr)", answer.headers.get("set-cookie", "")):
                failures.append((method, path, presented, 0))

    assert [failure for failure in failures if failure[1] not in SILENT] == []
    assert asked > 500
    assert await look() == before
    # None of these has used it up; it still works for its purpose.
    assert (await go_on(api, token, app_of_person.code(clock.now()))).status_code == 200


async def test_other_tokens_go_on_with_no_sign_in(
    api: Api, token: str, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    for other in (person.access_token, person.refresh_token, token[:-1], token.upper(), f" {token}", token + "A"):
        answer = await go_on(api, other[:128], app_of_person.code(clock.now()))
        assert (answer.status_code, answer.json()["code"]) == (401, "pending_sign_in_invalid"), other
