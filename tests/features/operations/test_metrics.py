"""The figures that operations watch."""

import asyncio
import itertools
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from pydantic import SecretStr
from sqlalchemy import delete

from gatepost.app import create_app
from gatepost.composition.services import Services
from gatepost.core.request_metrics import RequestMetrics
from gatepost.mail.models import OutboxMail
from gatepost.mail.outbox import MailKind
from gatepost.operations.process_metrics import Kind, ProcessMetric, ProcessMetrics
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, assert_problem, bearer
from tests.support.clock import FakeClock
from tests.support.figures import Figures, read_figures
from tests.support.links import take_mails

TOKEN = "a-token-for-prometheus"


async def figures(api: Api) -> Figures:
    return read_figures(await api.get("/metrics"))


@pytest.mark.both_databases
async def test_mails_that_wait_and_that_were_given_up_are_counted(
    api: Api, services: Services, clock: FakeClock
) -> None:
    await take_mails(services)
    now = clock.now()
    waiting: dict[str, Any] = {"kind": MailKind.VERIFY_EMAIL.value, "address": "a@example.com", "language": "en"}
    async with services.platform.database.begin() as tx:
        await tx.execute(delete(OutboxMail))
        tx.add(OutboxMail(**waiting, data={}, created_at=now, due_at=now + timedelta(hours=2)))
        tx.add(OutboxMail(**waiting, data={}, created_at=now, due_at=None, failed_at=now, attempts=12))
    clock.advance(seconds=90)

    counted = await figures(api)

    assert counted["gatepost_outbox_pending"] == 1
    assert counted["gatepost_outbox_failed"] == 1
    assert counted["gatepost_outbox_oldest_seconds"] == 90
    assert counted["gatepost_database_up"] == 1


async def test_empty_outbox_has_no_oldest_mail(api: Api) -> None:
    counted = await figures(api)

    assert {value for name, value in counted.items() if name.startswith("gatepost_outbox")} == {0}


async def test_requests_are_counted_by_template_method_and_kind_of_status(api: Api) -> None:
    for path in ("/api/auth/sessions/1", "/api/auth/sessions/2", "/api/auth/sessions/secret"):
        await api.delete(path)
    for path in ("/nothing", "/nothing/else", "/api/users/abc"):
        await api.get(path)
    await api.client.request("BREW", "/api/test/all")
    await api.get("/docs/assets/swagger-ui.css")

    counted = await figures(api)

    def requests(route: str, method: str, status: str) -> float:
        return counted[f'gatepost_http_requests_total{{method="{method}",route="{route}",status="{status}"}}']

    assert requests("/api/auth/sessions/{session_id}", "DELETE", "4xx") == 3
    assert requests("(none)", "GET", "4xx") == 3
    assert requests("/api/test/all", "OTHER", "4xx") == 1
    assert requests("/docs/assets/*", "GET", "2xx") == 1
    of_sessions = '{method="DELETE",route="/api/auth/sessions/{session_id}"'
    assert counted[f"gatepost_http_request_duration_seconds_count{of_sessions}}}"] == 3
    assert (
        counted[
            "gatepost_http_request_duration_seconds_bucket" + of_sessions[:1] + 'le="+Inf",' + of_sessions[1:] + "}"
        ]
        == 3
    )
    assert not any("nothing" in name or "secret" in name or "BREW" in name for name in counted)


async def test_sign_ins_and_refreshes_are_counted_by_how_they_ended(api: Api) -> None:
    assert (await figures(api))['gatepost_sign_ins_total{outcome="success"}'] == 0
    person = await api.sign_up()
    await api.sign_in()
    form = {"grant_type": "password", "username": person.username, "password": "wrong"}
    await api.post("/api/auth/token", data=form)
    for username in (person.username, "Nobody"):
        await api.post("/api/auth/signin", json={"username": username, "password": "wrong"})
    await api.refresh(person.refresh_token)
    await api.refresh("not a token")

    counted = await figures(api)

    assert counted['gatepost_sign_ins_total{outcome="success"}'] == 1
    assert counted['gatepost_sign_ins_total{outcome="invalid_credentials"}'] == 3
    assert counted['gatepost_refreshes_total{outcome="success"}'] == 1
    assert counted['gatepost_refreshes_total{outcome="refresh_token_invalid"}'] == 1


async def test_work_that_waits_is_shown(api: Api, services: Services, clock: FakeClock) -> None:
    clock.advance(seconds=7)
    async with services.platform.database.read() as tx:
        await tx.connection()
        counted = await figures(api)

    assert counted["gatepost_db_connections_in_use"] >= 1
    assert counted["gatepost_db_connections_limit"] == 20
    assert counted["gatepost_hashing_pending"] == 0
    assert counted["gatepost_hashing_capacity"] > 128
    assert 0 <= counted["gatepost_revocation_feed_age_seconds"] <= 7
    assert counted["gatepost_workers"] == 1


async def test_figures_of_a_process_are_there_without_the_database(make_services: MakeServices) -> None:
    nowhere = make_services(database_url=SecretStr("mysql://root@127.0.0.1:1/gatepost"))
    async with http_client(create_app(services=nowhere)) as client:
        counted = read_figures(await client.get("/metrics"))

    assert counted["gatepost_database_up"] == 0
    assert "gatepost_http_requests_in_progress" in counted
    assert "gatepost_outbox_pending" not in counted


async def test_figures_of_a_process_are_there_without_the_tables(make_services: MakeServices, tmp_path: Path) -> None:
    empty = make_services(database_url=SecretStr(f"sqlite:///{tmp_path}/empty.db"))
    async with http_client(create_app(services=empty)) as client:
        counted = read_figures(await client.get("/metrics"))

    assert counted["gatepost_database_up"] == 0
    assert "gatepost_hashing_capacity" in counted


async def test_those_who_ask_at_once_do_not_meet_in_the_file_of_a_worker(tmp_path: Path) -> None:
    counted = itertools.count()
    figure = ProcessMetric("counted", "Always something else.", Kind.COUNT, lambda: next(counted))
    figures = ProcessMetrics(RequestMetrics(), [figure], folder=tmp_path)

    await asyncio.gather(*(work() for _ in range(100) for work in (figures.totals, figures.share)))

    assert [path.name for path in tmp_path.iterdir()] == [f"{os.getpid()}.metrics.json"]


@pytest.mark.parametrize("header", ["X-Forwarded-For", "Forwarded", "Via", "X-Real-IP"])
async def test_figures_are_not_for_those_whom_a_proxy_lets_in(api: Api, header: str) -> None:
    assert_problem(await api.get("/metrics", headers={header: "127.0.0.1"}), 401, "metrics_unauthorized")


async def test_figures_are_not_for_public_addresses(app: FastAPI) -> None:
    transport = httpx.ASGITransport(app, client=("8.8.8.8", 50000))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost:8080") as stranger:
        assert_problem(await stranger.get("/metrics"), 401, "metrics_unauthorized")


async def test_token_opens_the_figures_wherever_one_asks_from(make_services: MakeServices) -> None:
    services = make_services(metrics_token=SecretStr(TOKEN))
    through_a_proxy = {"X-Forwarded-For": "8.8.8.8"}
    async with started(services) as app, http_client(app) as client:
        for headers in ({}, bearer("another"), {"Authorization": TOKEN}):
            assert_problem(await client.get("/metrics", headers=headers), 401, "metrics_unauthorized")
        answer = await client.get("/metrics", headers={**bearer(TOKEN), **through_a_proxy})

    assert read_figures(answer)["gatepost_workers"] == 1
