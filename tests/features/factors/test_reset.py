"""Administrators and operators remove the second factors of people who have lost them."""

import pytest
from sqlalchemy import select

from gatepost.admin.accounts.preconditions import IfMatch, Shell
from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.factors.errors import NoSecondFactor
from gatepost.identity.factors.models import RecoveryCodes, TotpSecret
from gatepost.identity.throttling.models import GuessCounter
from tests.conftest import MakeServices
from tests.features.admin.conftest import MakePerson, MakeRole
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.commands import run_command
from tests.support.factors import App, begin_sign_in, go_on, pending_token, prove_address, prove_again, set_up_app
from tests.support.links import take_mails

pytestmark = pytest.mark.both_databases

URL = "/api/admin/users"


async def reset(api: Api, by: Person, person: Person, **headers: str) -> int:
    return (await api.delete(f"{URL}/{person.id}/factors", headers={**by.headers, **headers})).status_code


async def entries(database: Database) -> list[AuditEntry]:
    async with database.read() as tx:
        return list(await tx.scalars(select(AuditEntry).where(AuditEntry.event == "factors.reset")))


async def test_factors_and_sessions_go_and_the_password_is_enough(
    api: Api, services: Services, database: Database, admin: Person, person: Person, app_of_person: App
) -> None:
    pending = await pending_token(api, person)

    assert await reset(api, admin, person) == 204

    async with database.read() as tx:
        assert (await tx.scalars(select(TotpSecret.user_id))).all() == []
        assert (await tx.scalars(select(RecoveryCodes.user_id))).all() == []
    assert_problem(await api.refresh(person.refresh_token), 403, "refresh_token_invalid")
    assert_problem(
        await go_on(api, pending, app_of_person.recovery_codes[0], "recovery_code"), 401, "pending_sign_in_invalid"
    )
    assert (await begin_sign_in(api, person)).status_code == 200
    [entry] = await entries(database)
    assert (entry.user_id, entry.actor_id) == (person.id, admin.id)
    assert entry.details == {"factors": ["totp", "recovery_code"], "sessions": 1}


async def test_owner_is_told_and_can_object(
    api: Api, services: Services, admin: Person, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    await take_mails(services)
    assert await reset(api, admin, person) == 204

    [mail] = await take_mails(services)
    assert (mail.kind, mail.address) == ("factors_reset", person.email)
    assert "127.0.0.1" not in mail.text
    # An attacker who persuaded the administrator has set up an app of their own.
    clock.advance(minutes=1)
    await services.identity.revocations.poll()
    await set_up_app(api, services, await api.sign_in(person.username))
    assert (await api.post("/api/auth/not-me", json={"token": mail.token})).status_code == 200
    async with services.platform.database.read() as tx:
        assert (await tx.scalars(select(TotpSecret.user_id))).all() == []


async def test_mail_is_in_the_language_of_the_account(
    api: Api, services: Services, admin: Person, person: Person, app_of_person: App
) -> None:
    await api.patch("/api/users/me", json={"language": "de"}, headers=person.headers)
    await take_mails(services)

    assert await reset(api, admin, person) == 204

    [mail] = await take_mails(services)
    assert mail.kind == "Die Verwaltung hat Ihre zweiten Faktoren entfernt"
    words = " ".join(mail.text.split())
    assert "alle Passkeys und anderen zweiten Faktoren Ihres Kontos" in words
    assert "Zur Anmeldung genügt jetzt das Passwort" in words
    assert "Ihr Konto hat kein Passwort" not in words


async def test_wrong_codes_are_forgotten_with_the_factor(
    api: Api, database: Database, admin: Person, person: Person, app_of_person: App
) -> None:
    pending = await pending_token(api, person)
    for _ in range(5):
        assert (await go_on(api, pending, "00000-00000", "recovery_code")).status_code == 401
    assert_problem(
        await go_on(api, pending, app_of_person.recovery_codes[0], "recovery_code"), 429, "too_many_attempts"
    )

    assert await reset(api, admin, person) == 204

    async with database.read() as tx:
        # That of the address stays.
        assert len((await tx.scalars(select(GuessCounter.subject))).all()) == 1


async def test_what_is_not_there_is_not_removed(
    api: Api, services: Services, database: Database, admin: Person, person: Person
) -> None:
    await prove_address(services, person)
    await api.post("/api/users/me/totp", json={"password": person.password}, headers=person.headers)
    version = (await api.get(f"{URL}/{person.id}", headers=admin.headers)).json()["version"]

    assert_problem(await api.delete(f"{URL}/{person.id}/factors", headers=admin.headers), 404, "no_second_factor")
    assert_problem(await api.delete(f"{URL}/999999/factors", headers=admin.headers), 404, "user_not_found")

    assert await entries(database) == []
    assert (await api.get(f"{URL}/{person.id}", headers=admin.headers)).json()["version"] == version
    assert (await api.refresh(person.refresh_token)).status_code == 200


async def test_own_factors_and_another_state_are_refused(
    api: Api, services: Services, admin: Person, person: Person, app_of_person: App
) -> None:
    own_app = await set_up_app(api, services, admin)
    admin = await prove_again(api, admin, own_app.recovery_codes[0], "recovery_code")

    own = await api.delete(f"{URL}/{admin.id}/factors", headers=admin.headers)
    stale = await api.delete(f"{URL}/{person.id}/factors", headers={**admin.headers, "If-Match": '"999"'})

    assert_problem(own, 403, "own_account")
    assert "DELETE /api/users/me/totp" in own.json()["message"]
    assert_problem(stale, 412, "version_mismatch")


async def test_nobody_resets_somebody_stronger(
    api: Api, services: Services, make_role: MakeRole, person_with: MakePerson, person: Person, app_of_person: App
) -> None:
    await make_role("support", "factors:reset")
    await make_role("billing", "billing:write")
    helper, above = await person_with("Helper", "support"), await person_with("Above", "billing")
    await set_up_app(api, services, above)

    assert_problem(await api.delete(f"{URL}/{above.id}/factors", headers=helper.headers), 403, "beyond_authority")
    assert await reset(api, helper, person) == 204


async def test_secrets_are_removed_that_no_secret_key_opens(
    api: Api, make_services: MakeServices, person: Person, app_of_person: App
) -> None:
    others = make_services(secret_key="another-0123456789-abcdefghijklmnopqrstuvwxyz-key")

    removed = await others.admin.factor_reset.reset(person.id, if_match=IfMatch(), by=Shell())

    assert [method.value for method in removed] == ["totp", "recovery_code"]
    with pytest.raises(NoSecondFactor):
        await others.admin.factor_reset.reset(person.id, if_match=IfMatch(), by=Shell())


async def test_command_tells_what_it_removed(
    services: Services, database: Database, person: Person, app_of_person: App
) -> None:
    asked = await run_command(services.settings, "factors", "reset", person.username)
    done = await run_command(services.settings, "factors", "reset", person.username, "--yes")
    again = await run_command(services.settings, "factors", "reset", person.email, "--yes")

    assert (asked.exit_code, asked.stderr) == (2, "gatepost: there is no terminal for questions: say --yes\n")
    told = f"#{person.id} {person.username}: removed the authenticator app and the recovery codes; "
    assert (done.exit_code, done.stdout) == (0, f"{told}every session has ended\n")
    assert isinstance(again.exception, NoSecondFactor)
    [entry] = await entries(database)
    assert (entry.user_id, entry.actor_id) == (person.id, None)


async def test_command_asks_before(
    services: Services, database: Database, person: Person, app_of_person: App, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepost.cli.factors.require_terminal", lambda _: None)

    refused = await run_command(services.settings, "factors", "reset", person.username)

    question = f"Remove the authenticator app and the recovery codes of #{person.id} {person.username}"
    assert question in refused.output
    assert refused.exit_code == 1
    assert await entries(database) == []
