"""No secret reaches where it does not belong, however a request ends: a canary in every field, and none outside."""

import json
from collections.abc import Iterator

import httpx
import pytest
from fastapi import FastAPI, Request
from pydantic import SecretStr
from sqlalchemy import select, text

from gatepost.app import create_app
from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.settings import JwtAlgorithm, LogFormat, LogLevel
from tests.conftest import ADDRESS, MakeServices, http_client, started
from tests.support.api import Api
from tests.support.collector import Collector, trace_collector
from tests.support.links import take_link, take_mails
from tests.support.log import Log, logging_as_served

CANARY = "Canary"
PASSWORD = f"{CANARY}-of-the-Password"
LOUD = {"log_level": LogLevel.DEBUG, "log_format": LogFormat.JSON}
JSON = {"Content-Type": "application/json"}


def canary(place: str) -> str:
    return f"{CANARY}-in-{place}"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with trace_collector() as collector:
        yield collector


@pytest.fixture
def loud(make_services: MakeServices, collector: Collector) -> Services:
    """Return services that tell all they can, with a canary in each of their own secrets."""
    return make_services(
        **LOUD,
        otel_exporter_otlp_endpoint=collector.url,
        secret_key=SecretStr(canary("SECRET_KEY-0123456789-abcdefghijklm")),
        jwt_algorithm=JwtAlgorithm.HS256,
        jwt_secret=SecretStr(canary("JWT_SECRET-0123456789-abcdefghijklm")),
        metrics_token=SecretStr(canary("METRICS_TOKEN")),
        mail_from="Gatepost <no-reply@example.com>",
    )


async def everywhere(api: Api, path: str, **more: object) -> list[httpx.Response]:
    """Send a canary in each place of a request that may hold a secret."""
    headers = [
        {"Authorization": f"Bearer {canary('bearer')}"},
        {"Authorization": "Basic bm90ZXM6Q2FuYXJ5LWluLWJhc2lj"},
        {"x-access-token": canary("x-access-token")},
        {"Cookie": f"gatepost_access={canary('access-cookie')}; gatepost_refresh={canary('refresh-cookie')}"},
        {"Cookie": f"gatepost_device={canary('device-cookie')}", "Origin": "http://localhost:8080"},
    ]
    fields = dict.fromkeys(
        ("password", "currentPassword", "newPassword", "token", "refreshToken", "invitation", "client_secret"),
        canary("field"),
    )
    named = {"username": "Abbey Salami", "email": "abbey@example.com"}
    bodies = [
        {"json": fields},
        {"json": {"username": "Abbey Salami", "password": canary("password")}},
        {"json": {**named, "password": canary("password") * 200}},
        {"json": {"token": canary("token"), "password": canary("password")}},
        {"json": {"refreshToken": canary("refresh")}},
        {"json": {"password": {canary("name"): canary("value")}}},
        {"data": {"grant_type": "password", **named, "password": canary("form")}},
        {"data": {"client_id": "notes", "client_secret": canary("client"), "token": canary("token")}},
        {"content": f'{{"password": "{canary("broken")}'.encode(), "headers": JSON},
    ]
    answers = [await api.get(f"{path}?token={canary('query')}", headers=each) for each in headers]
    for body in bodies:
        answers.append(await api.post(path, **body))  # type: ignore[arg-type]
    return answers


def add_crashes(app: FastAPI, services: Services) -> None:
    """Give the app routes that fail with what they were given in their words."""

    async def fail(request: Request) -> None:
        given = (await request.body()).decode()
        try:
            json.loads(given)["no such key"]
        except ValueError as error:
            raise RuntimeError(f"cannot use {given} of {request.url} with {dict(request.headers)}") from error
        except KeyError:
            raise ValueError(*json.loads(given).values()) from None

    async def fail_in_the_database(request: Request) -> None:
        async with services.platform.database.begin() as tx:
            await tx.execute(text("SELECT * FROM nothing WHERE a = :given"), {"given": (await request.body()).decode()})

    for path, route in (("/api/fail", fail), ("/api/fail-in-database", fail_in_the_database)):
        app.add_api_route(path, route, methods=["GET", "POST"], include_in_schema=False)


@pytest.mark.both_databases
async def test_no_canary_is_found_outside(
    loud: Services, collector: Collector, capfd: pytest.CaptureFixture[str]
) -> None:
    log = Log(capfd)
    secrets = [CANARY, PASSWORD]
    async with started(loud) as app, http_client(app) as client:
        api = Api(client)
        add_crashes(app, loud)
        with logging_as_served(loud.settings):
            person = await api.sign_up(password=PASSWORD)
            secrets += [await take_link(loud, "verify_email"), person.access_token, person.refresh_token]
            again = await api.sign_in(password=PASSWORD)
            await api.post("/api/auth/password/forgot", json={"email": person.email})
            reset = await take_link(loud, "reset_password")
            secrets += [again.access_token, again.refresh_token, reset]
            await api.refresh(again.refresh_token)
            await api.post("/api/auth/password/reset", json={"token": reset, "password": f"{PASSWORD}-2"})
            await api.get("/api/users/me", headers={"x-access-token": person.access_token})
            paths = [path for path in app.openapi()["paths"] if "{" not in path and path.startswith(("/api", "/oauth"))]
            answers = [answer for path in paths for answer in await everywhere(api, path)]
            crashes = await everywhere(api, "/api/fail") + await everywhere(api, "/api/fail-in-database")
            figures = await client.get("/metrics", headers={"Authorization": f"Bearer {canary('METRICS_TOKEN')}"})
            await take_mails(loud)
    async with loud.platform.database.read() as tx:
        entries = (await tx.execute(select(*AuditEntry.__table__.columns))).all()

    assert {answer.status_code for answer in crashes} >= {500}
    assert figures.status_code == 200
    assert len(log.requests) > 100
    errors = "".join(answer.text for answer in answers + crashes if answer.status_code >= 400)
    traces = b"".join(collector.raw).decode("utf-8", "replace")
    assert "SELECT" in traces
    places = {
        "log": log.text, "errors": errors, "metrics": figures.text, "traces": traces, "audit log": str(entries),
    }  # fmt: skip
    for name, content in places.items():
        assert content, name
        found = [secret for secret in secrets if secret in content]
        assert found == [], (name, _around(content, found))
    assert person.email not in log.text
    assert ADDRESS not in log.text


async def test_secrets_of_what_cannot_be_reached_are_not_told(
    make_services: MakeServices, capfd: pytest.CaptureFixture[str]
) -> None:
    log = Log(capfd)
    lost = make_services(
        **LOUD,
        database_url=SecretStr(f"mysql://root:{canary('DB_PASSWORD')}@127.0.0.1:1/gatepost"),
        mail_url=SecretStr(f"smtp://user:{canary('MAIL_PASSWORD')}@127.0.0.1:1"),
    )
    with logging_as_served(lost.settings):
        async with http_client(create_app(services=lost)) as client:
            answers = [
                await client.get("/readyz"),
                await client.post("/api/auth/signin", json={"username": "A", "password": "x"}),
            ]

    assert {answer.status_code for answer in answers} == {503}
    assert CANARY not in log.text + "".join(answer.text for answer in answers) + repr(lost.settings)


def _around(content: str, found: list[str]) -> str:
    if not found:
        return ""
    at = content.index(found[0])
    return content[max(0, at - 300) : at + 200]
