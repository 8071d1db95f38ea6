"""Mail as a part of the service: it leaves by itself, and a mail server that is down is nobody's trouble."""

import asyncio
import socket
import time
from pathlib import Path

import pytest
from pydantic import SecretStr
from sqlalchemy import text

from gatepost import lifespan
from gatepost.core.db.database import Database
from tests.conftest import MakeServices, http_client, started
from tests.features.mail.conftest import Rows
from tests.support.api import PASSWORD, Api
from tests.support.clock import FakeClock
from tests.support.smtp import part, smtp_server

WAIT_SECONDS = 60


@pytest.mark.sends_mail
async def test_mail_leaves_right_after_the_commit(
    make_services: MakeServices, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lifespan, "MAIL_SECONDS", 3600)
    async with started(make_services()) as app, http_client(app) as client:
        await Api(client).sign_up("Abbey Salami")

        deadline = time.monotonic() + WAIT_SECONDS
        while not list((tmp_path / "mail").glob("*.eml")):
            assert time.monotonic() < deadline, "the mail does not leave by itself"
            await asyncio.sleep(0.02)


async def test_mail_server_that_is_down_changes_no_answer_and_loses_no_mail(
    make_services: MakeServices, clock: FakeClock
) -> None:
    async with smtp_server() as server:
        services = make_services(mail_url=SecretStr(server.url()))
        await server.kill()
        async with started(services) as app, http_client(app) as client:
            api = Api(client)
            answer = await api.post(
                "/api/auth/signup",
                json={"username": "Abbey Salami", "email": "abbey.salami@example.com", "password": PASSWORD},
            )
            await services.flows.outbox.run_once()
            waiting = await services.flows.outbox.counts()
            await server.start()
            clock.advance(seconds=20)
            await services.flows.outbox.run_once()

        assert answer.status_code == 201, answer.text
        assert (waiting.pending, waiting.failed) == (1, 0)
        (mail,) = server.received
        assert mail["To"] == "abbey.salami@example.com"
        assert "#token=gpt_" in part(mail, "plain")
        assert (await services.flows.outbox.counts()).pending == 0


@pytest.mark.both_databases
async def test_outbox_holds_nothing_secret(make_services: MakeServices, database: Database) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        url = f"smtp://127.0.0.1:{nobody.getsockname()[1]}"
        services = make_services(mail_url=SecretStr(url))
        async with started(services) as app, http_client(app) as client:
            api = Api(client)
            await api.sign_up("Abbey Salami")
            await api.post("/api/auth/password/forgot", json={"email": "abbey.salami@example.com"})
            await services.flows.outbox.run_once()
    async with database.read() as tx:
        lines = [str(row) for row in await tx.execute(text("SELECT * FROM mail_outbox"))]

    assert len(lines) == 2
    for secret in ("gpt_", "http", "token", PASSWORD, "$2b$"):
        assert not [line for line in lines if secret in line]


async def test_mail_is_in_the_language_of_the_account(make_services: MakeServices, rows: Rows) -> None:
    async with smtp_server() as server:
        services = make_services(mail_url=SecretStr(server.url()), default_language="de")
        async with started(services) as app, http_client(app) as client:
            await Api(client).sign_up("Abbey Salami")
            await services.flows.outbox.run_once()

        (mail,) = server.received
        assert mail["Subject"] == "E-Mail-Adresse bestätigen"
        assert mail["Content-Language"] == "de"
        assert await rows() == []
