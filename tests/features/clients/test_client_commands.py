"""`gatepost clients`."""

import base64
import json

import pytest
from sqlalchemy import select

from gatepost.audit.models import AuditEntry
from gatepost.core.db.database import Database
from gatepost.flows.oauth.errors import ClientExists, ClientIdInvalid, ClientNameInvalid, ClientNotFound
from gatepost.flows.oauth.models import ResourceServer
from tests.conftest import MakeSettings
from tests.support.api import Api
from tests.support.commands import run_command


@pytest.mark.both_databases
async def test_client_is_added_works_is_listed_and_removed(
    api: Api, make_settings: MakeSettings, database: Database
) -> None:
    settings = make_settings()
    added = await run_command(settings, "clients", "add", "notes", "--name", "Notes of Zoë")
    told = dict(line.split("=", 1) for line in added.stdout.splitlines())

    assert told.keys() == {"client_id", "client_secret"}
    assert told["client_secret"].startswith("gps_")
    assert len(base64.urlsafe_b64decode(told["client_secret"].removeprefix("gps_") + "=")) == 32
    credentials = (told["client_id"], told["client_secret"])
    assert (await api.get("/api/auth/revocations", auth=credentials)).status_code == 200

    listed = await run_command(settings, "clients", "list")
    assert listed.stdout.splitlines()[0].split() == ["CLIENT", "SINCE", "NAME"]
    assert listed.stdout.splitlines()[1].startswith("notes  ")
    assert listed.stdout.endswith("  Notes of Zoë\n")
    [shown] = json.loads((await run_command(settings, "clients", "list", "--json")).stdout)
    assert (shown["clientId"], shown["name"]) == ("notes", "Notes of Zoë")
    async with database.read() as tx:
        [stored] = (await tx.scalars(select(ResourceServer))).all()
    assert told["client_secret"] not in listed.stdout + stored.secret_sha256

    assert (await run_command(settings, "clients", "remove", "notes")).stdout == "notes is removed\n"
    assert (await api.get("/api/auth/revocations", auth=credentials)).status_code == 401
    assert (await run_command(settings, "clients", "list")).stdout == "none\n"
    async with database.read() as tx:
        entries = (await tx.scalars(select(AuditEntry).order_by(AuditEntry.id))).all()
    told_of = [(entry.event, entry.details) for entry in entries if entry.event.startswith("client.")]
    assert told_of == [("client.created", {"client_id": "notes"}), ("client.removed", {"client_id": "notes"})]


async def test_id_of_another_client_is_taken(api: Api, make_settings: MakeSettings) -> None:
    settings = make_settings()
    first = await run_command(settings, "clients", "add", "notes")

    again = await run_command(settings, "clients", "add", "notes")

    assert (first.exit_code, again.exit_code) == (0, 1)
    assert isinstance(again.exception, ClientExists)
    assert (await run_command(settings, "clients", "add", "Notes")).exit_code == 0


@pytest.mark.parametrize("client_id", ["", "two words", "ü", "a" * 65, "a:b", "a%20b", "a\n"])
async def test_id_that_could_not_be_sent_is_refused(api: Api, make_settings: MakeSettings, client_id: str) -> None:
    refused = await run_command(make_settings(), "clients", "add", client_id)

    assert isinstance(refused.exception, ClientIdInvalid)


@pytest.mark.parametrize("client_id", ["gatepost", "7", "007"])
async def test_id_that_tokens_would_confuse_is_refused(api: Api, make_settings: MakeSettings, client_id: str) -> None:
    refused = await run_command(make_settings(), "clients", "add", client_id)

    assert isinstance(refused.exception, ClientIdInvalid)


@pytest.mark.parametrize("name", ["x" * 256, "two\nlines", "\x1b[2J"])
async def test_name_that_could_not_be_listed_is_refused(api: Api, make_settings: MakeSettings, name: str) -> None:
    refused = await run_command(make_settings(), "clients", "add", "notes", "--name", name)

    assert isinstance(refused.exception, ClientNameInvalid)


async def test_unknown_client_cannot_be_removed(api: Api, make_settings: MakeSettings) -> None:
    refused = await run_command(make_settings(), "clients", "remove", "notes")

    assert isinstance(refused.exception, ClientNotFound)
