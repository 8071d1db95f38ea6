"""`gatepost users`: the rules, the audit entries and the mails of the administration, from a shell."""

import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import func, select, update

from gatepost.admin.accounts.errors import CursorInvalid
from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.settings import Settings
from gatepost.identity.access.errors import PermissionRequired
from gatepost.identity.accounts.errors import EmailTaken, LastAdministrator, RoleNotGrantable, UnknownRole, UserNotFound
from gatepost.identity.accounts.models import User
from gatepost.identity.invitations.models import Invitation
from gatepost.mail.models import OutboxMail
from tests.features.admin.conftest import MakePerson
from tests.support.api import Api, Person
from tests.support.commands import run_command


@pytest.fixture
def settings(services: Services) -> Settings:
    """Return the settings of the commands: those of the app."""
    return services.settings


@pytest.mark.both_databases
async def test_accounts_are_listed_as_the_api_has_them(api: Api, admin: Person, settings: Settings) -> None:
    for number in range(5):
        await api.sign_up(f"Person{number}")
    there = (await api.get("/api/admin/users?size=100", headers=admin.headers)).json()["items"]

    everybody = await run_command(settings, "users", "list", "--json")
    table = (await run_command(settings, "users", "list")).stdout.splitlines()
    found = await run_command(settings, "users", "list", "--search", "person", "--sort", "-username", "--json")
    admins = await run_command(settings, "users", "list", "--role", "admin", "--json")
    nobody = await run_command(settings, "users", "list", "--status", "disabled")

    assert _lines(everybody.stdout) == there
    assert table[0].split() == ["ID", "USER", "NAME", "ADDRESS", "ROLES", "STATUS", "VERIFIED", "CREATED"]
    assert [line.split()[0] for line in table[1:]] == [str(user["id"]) for user in there]
    assert [user["username"] for user in _lines(found.stdout)] == [f"Person{number}" for number in reversed(range(5))]
    assert [user["username"] for user in _lines(admins.stdout)] == ["Root"]
    assert nobody.stdout == "none\n"


async def test_list_goes_on_where_an_earlier_one_ended(api: Api, settings: Settings) -> None:
    people = [await api.sign_up(f"Person{number}") for number in range(5)]

    first = await run_command(settings, "users", "list", "--limit", "2", "--json")
    cursor = first.stderr.split()[-1]
    second = await run_command(settings, "users", "list", "--after", cursor, "--json")
    refused = await run_command(settings, "users", "list", "--after", "nonsense")

    assert first.stderr.startswith("there are more accounts; continue with --after ")
    assert [user["id"] for user in _lines(first.stdout) + _lines(second.stdout)] == [person.id for person in people]
    assert second.stderr == ""
    assert isinstance(refused.exception, CursorInvalid)


@pytest.mark.both_databases
async def test_pages_of_the_list_are_put_together(
    api: Api, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepost.cli.users.PAGE", 2)
    people = [await api.sign_up(f"Person{number}") for number in range(5)]

    for options in ((), ("--role", "user"), ("--search", "person"), ("--limit", "5")):
        listed = await run_command(settings, "users", "list", "--json", *options)
        assert [user["id"] for user in _lines(listed.stdout)] == [person.id for person in people], options


async def test_account_is_named_by_name_address_or_number(api: Api, settings: Settings) -> None:
    abbey = await api.sign_up("Abbey Salami", email="Abbey@Bücher.example")
    digits = await api.sign_up(str(abbey.id))

    for name in ("abbey  salami".replace("  ", " "), "ABBEY@xn--bcher-kva.example", f"#{abbey.id}", f" #{abbey.id} "):
        shown = json.loads((await run_command(settings, "users", "show", name, "--json")).stdout)
        assert shown["id"] == abbey.id, name
    by_digits = json.loads((await run_command(settings, "users", "show", digits.username, "--json")).stdout)
    assert by_digits["id"] == digits.id
    for name in ("nobody", "#0", "#99999999999999999999", "#9223372036854775807", "a\x1b[2Jb", "x@y", "\udcff"):
        refused = await run_command(settings, "users", "show", name)
        assert isinstance(refused.exception, UserNotFound), name
        assert "\x1b" not in str(refused.exception)


@pytest.mark.both_databases
async def test_account_is_disabled_enabled_signed_out_and_deleted(
    api: Api, admin: Person, settings: Settings, database: Database
) -> None:
    abbey = await api.sign_up("Abbey")

    disabled = await run_command(settings, "users", "disable", "abbey")
    assert disabled.stdout == f"#{abbey.id} Abbey is disabled\n"
    assert (await api.refresh(abbey.refresh_token)).status_code == 403
    assert (await run_command(settings, "users", "disable", "abbey")).exit_code == 0
    assert (await run_command(settings, "users", "enable", "abbey")).stdout.endswith(" is enabled\n")
    again = await api.sign_in("Abbey")
    assert (await run_command(settings, "users", "sign-out", "abbey")).stdout.endswith(" is signed out everywhere\n")
    assert (await api.refresh(again.refresh_token)).status_code == 403
    given = await run_command(settings, "users", "roles", "abbey", "user", "moderator")
    assert given.stdout.endswith(" has the roles user, moderator\n")
    unknown = await run_command(settings, "users", "roles", "abbey", "user", "nonsense")
    deleted = await run_command(settings, "users", "delete", "abbey", "--yes")

    assert isinstance(unknown.exception, UnknownRole)
    assert deleted.stdout == f"#{abbey.id} Abbey is deleted\n"
    assert (await api.get(f"/api/admin/users/{abbey.id}", headers=admin.headers)).status_code == 404
    async with database.read() as tx:
        entries = (await tx.scalars(select(AuditEntry).where(AuditEntry.user_id == abbey.id))).all()
    by_shell = [entry for entry in entries if entry.event.startswith("account.") and entry.event != "account.created"]
    assert [entry.event for entry in sorted(by_shell, key=lambda entry: entry.id)] == [
        "account.disabled", "account.enabled", "account.signed_out", "account.roles_changed", "account.erased",
    ]  # fmt: skip
    assert {(entry.actor_id, entry.address, entry.request_id) for entry in by_shell} == {(None, "", "")}


async def test_deletion_is_asked_for_and_needs_a_terminal(api: Api, settings: Settings) -> None:
    await api.sign_up("Abbey")

    refused = await run_command(settings, "users", "delete", "abbey")

    assert refused.exit_code == 2
    assert refused.stderr == "gatepost: there is no terminal for questions: say --yes\n"
    assert (await run_command(settings, "users", "show", "abbey")).exit_code == 0


async def test_last_administrator_who_can_sign_in_stays(
    admin: Person, settings: Settings, person_with: MakePerson
) -> None:
    commands = (("disable", "root"), ("delete", "root", "--yes"), ("roles", "root", "user"))
    for command in commands:
        refused = await run_command(settings, "users", *command)
        assert isinstance(refused.exception, LastAdministrator), command

    await person_with("Second", "admin")

    assert (await run_command(settings, "users", *commands[0])).exit_code == 0
    refused = await run_command(settings, "users", "disable", "second")
    assert isinstance(refused.exception, LastAdministrator)


@pytest.mark.both_databases
@pytest.mark.parametrize("column", ["disabled_at", "erase_at"])
async def test_nobody_is_invited_in_the_name_of_who_may_not_act(
    settings: Settings, person_with: MakePerson, database: Database, column: str
) -> None:
    await person_with("Root", "admin")
    fallen = await person_with("Fallen", "admin")
    assert (await run_command(settings, "users", "invite", "new@example.com")).exit_code == 0
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.id == fallen.id).values({column: datetime(2027, 1, 1, tzinfo=UTC)}))

    refused = await run_command(settings, "users", "invite", "new@example.com", "--inviter", f"#{fallen.id}")

    assert isinstance(refused.exception, PermissionRequired)
    async with database.read() as tx:
        # The one of before is as good as it was.
        assert fallen.id not in (await tx.scalars(select(Invitation.inviter_id))).all()
        assert await tx.scalar(select(func.count()).select_from(Invitation)) == 1


async def test_invitation_is_sent_in_the_name_of_an_administrator(
    api: Api, settings: Settings, person_with: MakePerson, database: Database, make_role: Any
) -> None:
    nobody = await run_command(settings, "users", "invite", "new@example.com")
    await make_role("inviters", "users:write")
    inviter = await person_with("Inviter", "inviters")
    root = await person_with("Root", "admin")

    sent = await run_command(settings, "users", "invite", "new@example.com", "--role", "moderator", "--language", "de")
    beyond = await run_command(
        settings, "users", "invite", "other@example.com", "--role", "moderator", "--inviter", "inviter"
    )
    by_inviter = await run_command(settings, "users", "invite", "third@example.com", "--inviter", f"#{inviter.id}")
    taken = await run_command(settings, "users", "invite", root.email)
    no_address = await run_command(settings, "users", "invite", "nonsense")

    assert (nobody.exit_code, sent.stdout) == (2, "new@example.com is invited\n")
    assert "create one with: gatepost create-admin" in nobody.stderr
    assert isinstance(beyond.exception, RoleNotGrantable)
    assert isinstance(taken.exception, EmailTaken)
    assert (by_inviter.exit_code, no_address.exit_code) == (0, 2)
    async with database.read() as tx:
        sent_by = {row.email: row.inviter_id for row in await tx.scalars(select(Invitation))}
        mails = {row.address: row.language for row in await tx.scalars(select(OutboxMail)) if row.kind == "invitation"}
        entries = (await tx.scalars(select(AuditEntry).where(AuditEntry.event == "invitation.sent"))).all()
    assert sent_by == {"new@example.com": root.id, "third@example.com": inviter.id}
    assert mails == {"new@example.com": "de", "third@example.com": "en"}
    assert {entry.actor_id for entry in entries} == {None}


@pytest.mark.both_databases
async def test_invitation_says_which_one_it_has_replaced(admin: Person, settings: Settings, database: Database) -> None:
    invite = ("users", "invite", "new@example.com")
    first = json.loads((await run_command(settings, *invite, "--json", "--role", "moderator")).stdout)
    second = await run_command(settings, *invite)
    third = json.loads((await run_command(settings, *invite, "--json")).stdout)
    async with database.begin() as tx:
        await tx.execute(update(Invitation).values(expires_at=datetime.now(UTC) - timedelta(seconds=1)))
    after_its_end = await run_command(settings, *invite)

    assert (first["email"], first["roles"], first["replaced"]) == ("new@example.com", ["moderator"], None)
    said, more = second.stdout.splitlines()
    assert said == "new@example.com is invited"
    assert re.fullmatch(
        r"the earlier invitation is no longer valid: of [0-9: -]{16} UTC, by Root, with the roles user, moderator", more
    )
    assert third["replaced"]["roles"] == []
    assert third["replaced"]["id"] < third["id"]
    assert after_its_end.stdout == "new@example.com is invited\n"


def _lines(text: str) -> list[dict[str, Any]]:
    return [json.loads(line) for line in text.splitlines()]
