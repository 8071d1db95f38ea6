"""`gatepost after-restore`: what an older copy has brought back ends, wherever it could be used."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, select, update
from typer.testing import CliRunner

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.settings import Settings
from gatepost.identity.accounts.models import User, user_roles
from gatepost.identity.keys.models import StoredKey
from gatepost.identity.links.models import OneTimeToken
from gatepost.identity.sessions.models import Session
from gatepost.mail.outbox import MailKind, enqueue
from tests.conftest import MakeServices, MakeSettings, http_client, started
from tests.features.sdk.conftest import make_gatepost, network, notes, until_it_answers
from tests.support.api import PASSWORD, Api, assert_problem
from tests.support.clock import FakeClock
from tests.support.commands import run_command
from tests.support.copies import Copy
from tests.support.links import link_of, take_link
from tests.support.workers import claims

__all__ = ["make_gatepost", "network", "notes"]

ADMIN_ROLE = 3
SHARED = "a shared secret of more than 32 bytes"


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gatepost.sdk.issuer.WAIT_SECONDS", 1)


@pytest.fixture
def settings(make_settings: MakeSettings) -> Settings:
    """Return the settings of the app under test."""
    return make_settings()


async def after_restore(settings: Settings, *arguments: str) -> str:
    """Run the command, and return what it says."""
    result = await run_command(settings, "after-restore", "--yes", *arguments)
    assert result.exit_code == 0, result.output
    return result.output


async def caught_up(services: Services, clock: FakeClock) -> None:
    """Let a running worker read what the command, on the clock of the machine, has done."""
    await services.identity.revocations.poll()
    await services.identity.keys.load()
    clock.advance(seconds=60)
    await services.identity.revocations.poll()


@pytest.mark.parametrize("mode", ["feed", "strict"])
async def test_every_token_of_before_is_refused_while_the_service_runs(
    make_services: MakeServices, copy: Copy, settings: Settings, clock: FakeClock, mode: str
) -> None:
    services = make_services(revocation_mode=mode)
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        stays = await api.sign_up("Stays")
        ended = await api.sign_in("Stays")
        await copy.make()
        await api.post("/api/auth/signout", headers=ended.headers)
        clock.advance(seconds=1)
        opened = await api.sign_in("Stays")
        rotated = (await api.refresh(stays.refresh_token)).json()
        await copy.put_back()

        await after_restore(settings)
        await caught_up(services, clock)

        for token in (stays.access_token, ended.access_token, opened.access_token, rotated["accessToken"]):
            assert (await api.user_board(token)).status_code == 401
            assert (await api.get("/api/users/me", headers={"x-access-token": token})).status_code == 401
        for token in (stays.refresh_token, ended.refresh_token, opened.refresh_token, rotated["refreshToken"]):
            assert_problem(await api.refresh(token), 403, "refresh_token_invalid")
        later = await api.sign_in("Stays")
        assert (await api.user_board(later.access_token)).status_code == 200
        assert (await api.refresh(later.refresh_token)).status_code == 200


async def test_role_of_the_lost_time_opens_nothing(
    api: Api, services: Services, copy: Copy, settings: Settings, clock: FakeClock, database: Database
) -> None:
    """The version that came with it is given a second time."""
    person = await api.sign_up()
    await copy.make()
    async with database.begin() as tx:
        await tx.execute(user_roles.insert().values(user_id=person.id, role_id=ADMIN_ROLE))
        await services.identity.revocations.revoke_account(tx, person.id)
    admin = await api.sign_in()
    await copy.put_back()
    await after_restore(settings)
    await caught_up(services, clock)
    async with database.begin() as tx:
        await services.identity.revocations.revoke_account(tx, person.id)
    later = await api.sign_in()
    assert claims(later.access_token)["ver"] == claims(admin.access_token)["ver"]

    assert_problem(await api.get("/api/admin/users", headers=admin.headers), 401, "token_invalid")
    assert_problem(await api.get("/api/admin/users", headers=later.headers), 403, "permission_required")


async def test_with_a_shared_secret_tokens_of_before_are_refused_too(
    make_services: MakeServices, make_settings: MakeSettings, copy: Copy, clock: FakeClock
) -> None:
    services = make_services(jwt_algorithm="HS256", jwt_secret=SHARED)
    async with started(services) as app, http_client(app) as client:
        api = Api(client)
        before = await api.sign_up("Stays")
        await copy.make()
        lost = await api.sign_in("Stays")
        await copy.put_back()

        said = await after_restore(make_settings(jwt_algorithm="HS256", jwt_secret=SHARED))
        await caught_up(services, clock)

        assert "set a new JWT_SECRET and restart" in said
        for person in (before, lost):
            assert_problem(await api.user_board(person.access_token), 401, "token_revoked")
        clock.advance(hours=1)
        await services.identity.revocations.poll()
        later = await api.sign_in("Stays")
        assert (await api.user_board(later.access_token)).status_code == 200


async def test_other_services_refuse_tokens_of_before_within_seconds(
    api: Api, services: Services, settings: Settings, copy: Copy, clock: FakeClock, notes: Any
) -> None:
    await api.sign_up("Stays")
    await copy.make()
    lost = await api.sign_in("Stays")
    assert (await notes.me(lost.access_token)).status_code == 200
    await copy.put_back()
    # Before the command, which has another one make it: the registration of the service is of the time that is lost.
    await services.identity.revocations.poll()

    await after_restore(settings)
    await services.identity.revocations.poll()

    await until_it_answers(lambda: notes.me(lost.access_token), 401)


@pytest.mark.both_databases
async def test_links_invitations_and_mails_of_before_do_nothing(
    api: Api, services: Services, copy: Copy, settings: Settings, clock: FakeClock, database: Database
) -> None:
    person = await api.sign_up()
    async with services.flows.outbox._round:  # nothing sends meanwhile
        async with database.begin() as tx:
            token = await link_of(tx, person, now=clock.now())
            enqueue(tx, MailKind.RESET_PASSWORD, address=person.email, language="en", at=clock.now(), user_id=person.id)
        await copy.make()
        reset = await api.post("/api/auth/password/reset", json={"token": token, "password": "another horse"})
        assert reset.status_code == 200
        await copy.put_back()

        await after_restore(settings)

    again = await api.post("/api/auth/password/reset", json={"token": token, "password": "a third horse"})
    assert_problem(again, 400, "link_invalid")
    assert await services.flows.outbox.run_once() == 0
    async with database.read() as tx:
        assert None not in (await tx.scalars(select(OneTimeToken.used_at))).all()
    [mail] = [mail for mail in await services.flows.outbox.failed() if mail.kind == "reset_password"]
    assert mail.last_error == "held: the database was restored"
    assert await services.flows.outbox.retry(mail.id) == 1


@pytest.mark.both_databases
async def test_invitation_that_was_taken_back_in_the_lost_time_makes_no_account(
    api: Api, services: Services, copy: Copy, settings: Settings, database: Database
) -> None:
    inviter = await api.sign_up("Inviter")
    async with database.begin() as tx:
        await tx.execute(user_roles.insert().values(user_id=inviter.id, role_id=ADMIN_ROLE))
    inviter = await api.sign_in("Inviter")
    asked = {"email": "guest@example.com", "roles": ["admin"]}
    invitation = (await api.post("/api/admin/invitations", headers=inviter.headers, json=asked)).json()
    token = await take_link(services, "invitation")
    await copy.make()
    gone = await api.delete(f"/api/admin/invitations/{invitation['id']}", headers=inviter.headers)
    assert gone.status_code == 204
    await copy.put_back()

    said = await after_restore(settings)

    guest = {"username": "Guest", "email": asked["email"], "password": PASSWORD, "invitation": token}
    assert_problem(await api.post("/api/auth/signup", json=guest), 400, "invitation_invalid")
    assert "\n2 links, codes and invitations are no longer valid" in said


@pytest.mark.both_databases
async def test_numbers_of_accounts_of_the_lost_time_are_not_given_again(
    api: Api, services: Services, copy: Copy, settings: Settings, database: Database
) -> None:
    person = await api.sign_up("Earlier")
    await copy.make()
    lost = await api.sign_up("Lost")
    await copy.put_back()

    said = await after_restore(settings)
    again = await after_restore(settings, "--account-gap", "5000")

    newcomer = await api.sign_up("Newcomer")
    assert newcomer.id > lost.id
    assert newcomer.id == person.id + 105_001
    assert f"new accounts get ids from {person.id + 100_001}" in said
    assert f"new accounts get ids from {newcomer.id}" in again
    async with database.read() as tx:
        assert (await tx.scalars(select(User.username).order_by(User.id))).all() == ["Earlier", "Newcomer"]


async def test_gap_is_counted_from_the_last_number_that_was_given_not_from_the_last_account_that_is_left(
    api: Api, copy: Copy, settings: Settings, database: Database
) -> None:
    await api.sign_up("Earlier")
    gone = await api.sign_up("Gone")
    async with database.begin() as tx:
        await tx.execute(delete(User).where(User.id == gone.id))
    await copy.make()
    lost = await api.sign_up("Lost")
    await copy.put_back()

    said = await after_restore(settings, "--account-gap", "1")

    newcomer = await api.sign_up("Newcomer")
    assert newcomer.id == lost.id + 1
    assert f"new accounts get ids from {newcomer.id}" in said


@pytest.mark.both_databases
async def test_command_tells_what_was_done_and_what_nobody_can_know(
    api: Api, services: Services, copy: Copy, settings: Settings, clock: FakeClock, database: Database
) -> None:
    await services.flows.clients.add("notes", name="Notes")
    person = await api.sign_up("Leaver")
    await api.sign_in("Leaver")
    async with database.begin() as tx:
        await tx.execute(update(User).values(erase_at=clock.now()))

    said = await after_restore(settings)

    assert "2 sessions were ended" in said
    assert "1 accounts with a pending deletion are kept for DELETION_GRACE_DAYS" in said
    assert "Trusted services: notes" in said
    assert "Accounts deleted since then are back" in said
    async with database.read() as tx:
        [entry] = (await tx.scalars(select(AuditEntry).where(AuditEntry.event == "database.restored"))).all()
        sessions = (await tx.scalars(select(Session))).all()
        user = await tx.get_one(User, person.id)
        keys = (await tx.scalars(select(StoredKey.slot))).all()
    assert entry.details["sessions"] == 2
    assert {session.end_reason for session in sessions} == {"restored"}
    assert user.erase_at is not None
    assert user.erase_at > clock.now()
    assert sorted(slot or "" for slot in keys) == ["ES256:active", "ES256:next"]


async def test_command_twice_is_safe(api: Api, services: Services, settings: Settings, clock: FakeClock) -> None:
    await api.sign_up("Stays")
    await after_restore(settings)
    said = await after_restore(settings)
    assert "0 sessions were ended" in said

    await caught_up(services, clock)

    assert (await api.user_board((await api.sign_in("Stays")).access_token)).status_code == 200


@pytest.mark.both_databases
@pytest.mark.parametrize(("answer", "is_done"), [("y\n", True), ("n\n", False), ("", False)])
async def test_command_asks_before_it_acts(
    api: Api, settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch, answer: str, is_done: bool
) -> None:
    await api.sign_up("Stays")
    invoke: Callable[..., Any] = CliRunner.invoke
    monkeypatch.setattr(CliRunner, "invoke", lambda *args, **options: invoke(*args, input=answer, **options))
    monkeypatch.setattr("gatepost.cli.restoring.require_terminal", lambda _: None)

    result = await run_command(settings, "after-restore")

    assert "The database is as it was at" in result.output
    assert (result.exit_code == 0) is is_done
    async with database.read() as tx:
        [session] = (await tx.scalars(select(Session))).all()
    assert (session.ended_at is not None) is is_done
