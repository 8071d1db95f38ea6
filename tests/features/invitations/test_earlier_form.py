"""Invitations of before they had a table: names of roles beside a token. They are void, wherever they turn up."""

import asyncio
import hashlib
import json
import uuid
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import URL, text

from gatepost.composition.services import Services
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database, create_engine
from gatepost.core.db.migrations import migrate
from gatepost.identity.links.models import OneTimeToken
from gatepost.mail.models import OutboxMail
from tests.features.invitations.conftest import accept
from tests.support.api import Api, assert_problem
from tests.support.links import take_mails
from tests.support.mysql import run_sql

pytestmark = pytest.mark.both_databases

TOKEN = "gpt_0123456789"
DIGEST = hashlib.sha256(TOKEN.encode()).hexdigest()
DATA = {"email": "guest@example.com", "roles": ["admin"], "invited_by": "root"}


@pytest.fixture(params=["sqlite", pytest.param("mysql", marks=pytest.mark.mysql)])
def earlier_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[URL]:
    """Give an empty database of each kind, and drop it."""
    if request.param == "sqlite":
        yield URL.create("sqlite+aiosqlite", database=str(tmp_path / "earlier.db"))
        return
    server: URL = request.getfixturevalue("mysql_url")
    name = f"gatepost_test_{uuid.uuid4().hex[:12]}"
    asyncio.run(run_sql(server, f"CREATE DATABASE {name}"))
    yield server.set(database=name)
    asyncio.run(run_sql(server, f"DROP DATABASE {name}"))


async def test_upgrade_leaves_none_behind(earlier_url: URL) -> None:
    engine = create_engine(earlier_url, timeout_seconds=30)
    await migrate(engine, "0017")
    row = "'2026-01-01 00:00:00', '2036-01-01 00:00:00'"
    async with engine.begin() as connection:
        for purpose, digest in (("invitation", DIGEST), ("verify_email", "0" * 64)):
            await connection.execute(
                text(
                    "INSERT INTO one_time_tokens (purpose, digest, email_canonical, data, created_at, expires_at)"
                    f" VALUES (:purpose, :digest, 'guest@example.com', :data, {row})"
                ),
                {"purpose": purpose, "digest": digest, "data": json.dumps(DATA)},
            )
        for kind in ("invitation", "sign_up_taken"):
            await connection.execute(
                text(
                    "INSERT INTO mail_outbox (kind, address, language, data, created_at, due_at, attempts, last_error)"
                    f" VALUES (:kind, 'guest@example.com', 'en', :data, {row}, 0, '')"
                ),
                {"kind": kind, "data": json.dumps({"token_id": 1})},
            )

    await migrate(engine)

    async with engine.connect() as connection:
        purposes = (await connection.execute(text("SELECT purpose FROM one_time_tokens"))).scalars().all()
        kinds = (await connection.execute(text("SELECT kind FROM mail_outbox"))).scalars().all()
        count = await connection.scalar(text("SELECT count(*) FROM invitations"))
    await engine.dispose()
    assert (purposes, kinds, count) == (["verify_email"], ["sign_up_taken"], 0)


async def test_what_a_replica_of_before_writes_is_worth_nothing(
    api: Api, services: Services, database: Database, clock: Clock
) -> None:
    now = clock.now()
    async with database.begin() as tx:
        token = OneTimeToken(
            purpose="invitation", digest=DIGEST, email_canonical="guest@example.com", data=DATA, created_at=now,
            expires_at=now + timedelta(days=7),
        )  # fmt: skip
        tx.add(token)
        await tx.flush()
        tx.add(
            OutboxMail(
                kind="invitation", address="guest@example.com", language="en", data={"token_id": token.id},
                created_at=now, due_at=now, attempts=0, last_error="",
            )
        )  # fmt: skip

    assert [mail.kind for mail in await take_mails(services)] == []
    assert_problem(await accept(api, TOKEN), 400, "invitation_invalid")
