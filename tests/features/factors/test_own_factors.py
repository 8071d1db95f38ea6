"""One's own second factors: seeing them, setting an app up, removing it, new recovery codes."""

from typing import Any

import pytest
from sqlalchemy import select, update

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.models import RecoveryCodes, TotpSecret
from tests.conftest import MakeServices, http_client, started
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.factors import (
    ME,
    App,
    begin_sign_in,
    go_on,
    pending_token,
    prove_address,
    refreshed,
    secret_of,
    set_up_app,
)
from tests.support.links import take_mails
from tests.support.workers import claims


@pytest.fixture
async def person(api: Api, services: Services) -> Person:
    found = await api.sign_up()
    await prove_address(services, found)
    await take_mails(services)
    return found


async def told(services: Services) -> list[str]:
    return [mail.kind for mail in await take_mails(services)]


async def test_app_is_set_up_in_two_steps_and_asked_for_from_then_on(
    api: Api, services: Services, person: Person, clock: FakeClock
) -> None:
    begun = await api.post(f"{ME}/totp", json={"password": PASSWORD}, headers=person.headers)
    body = begun.json()
    assert set(body) == {"secret", "otpauthUri", "qrSvg"}
    assert (len(body["secret"]), body["qrSvg"][:5]) == (32, "<svg ")
    assert body["otpauthUri"].startswith(f"otpauth://totp/Gatepost:Abbey%20Salami?secret={body['secret']}&")
    assert begun.headers["cache-control"] == "no-store"
    none_yet: dict[str, Any] = {"totp": None, "recoveryCodes": None, "passkeys": [], "hasPassword": True}
    assert (await api.get(f"{ME}/factors", headers=person.headers)).json() == none_yet
    assert (await begin_sign_in(api, person)).status_code == 200

    app = App(secret_of(begun), [])
    confirm = {"code": app.code(clock.now())}
    confirmed = await api.post(f"{ME}/totp/confirm", json=confirm, headers=person.headers)

    assert confirmed.status_code == 200, confirmed.text
    assert len(set(confirmed.json()["recoveryCodes"])) == 10
    now = clock.now().isoformat().replace("+00:00", "Z")
    assert (await api.get(f"{ME}/factors", headers=person.headers)).json() == {
        "totp": {"confirmedAt": now, "lastUsedAt": now},
        "recoveryCodes": {"left": 10, "createdAt": now, "lastUsedAt": None},
        "passkeys": [],
        "hasPassword": True,
    }
    assert await told(services) == ["second_factor_added"]
    assert_problem(await begin_sign_in(api, person), 401, "second_factor_required")


async def test_session_that_set_the_app_up_goes_on_as_one_of_two_factors_and_the_others_end(
    api: Api, services: Services, person: Person
) -> None:
    other = await api.sign_in()

    await set_up_app(api, services, person)

    assert_problem(await api.user_board(other.access_token), 401, "token_revoked")
    assert_problem(await api.refresh(other.refresh_token), 403, "refresh_token_invalid")
    assert (await api.user_board(person.access_token)).status_code == 200
    refreshed = await api.refresh(person.refresh_token)
    said = claims(refreshed.json()["accessToken"])
    assert (said["acr"], said["amr"]) == ("urn:gatepost:acr:2", ["pwd", "otp", "mfa"])


async def test_setting_up_and_removing_take_the_password(api: Api, services: Services, person: Person) -> None:
    wrong: dict[str, Any] = {"headers": person.headers, "json": {"password": "wrong horse"}}
    assert_problem(await api.post(f"{ME}/totp", **wrong), 403, "wrong_password")
    await set_up_app(api, services, person)

    assert_problem(await api.post(f"{ME}/recovery-codes", **wrong), 403, "wrong_password")
    assert_problem(await api.client.request("DELETE", f"{ME}/totp", **wrong), 403, "wrong_password")


async def test_wrong_first_codes_count_on_the_session(api: Api, person: Person) -> None:
    await api.post(f"{ME}/totp", json={"password": PASSWORD}, headers=person.headers)

    for _ in range(5):
        answer = await api.post(f"{ME}/totp/confirm", json={"code": "000000"}, headers=person.headers)
        assert_problem(answer, 403, "wrong_code")

    answer = await api.post(f"{ME}/totp/confirm", json={"code": "000000"}, headers=person.headers)
    assert_problem(answer, 429, "too_many_attempts")


async def test_code_without_a_secret_is_wrong(api: Api, person: Person) -> None:
    answer = await api.post(f"{ME}/totp/confirm", json={"code": "123456"}, headers=person.headers)

    assert_problem(answer, 403, "wrong_code")


async def test_second_app_is_refused(api: Api, services: Services, person: Person) -> None:
    await set_up_app(api, services, person)
    person = await refreshed(api, person)

    answer = await api.post(f"{ME}/totp", json={"password": PASSWORD}, headers=person.headers)

    assert_problem(answer, 409, "totp_enrolled")


async def test_address_is_proved_first(api: Api) -> None:
    person = await api.sign_up("unproved")

    answer = await api.post(f"{ME}/totp", json={"password": PASSWORD}, headers=person.headers)

    assert_problem(answer, 403, "email_unverified")


async def test_where_second_factors_are_off_none_is_set_up_and_one_that_is_there_is_asked_for(
    api: Api, services: Services, person: Person, make_services: MakeServices
) -> None:
    other = await api.sign_up("other")
    await set_up_app(api, services, person)

    async with started(make_services(second_factor="off")) as app, http_client(app) as client:
        off = Api(client)
        answer = await off.post(f"{ME}/totp", json={"password": PASSWORD}, headers=other.headers)
        assert_problem(answer, 403, "second_factors_off")
        assert_problem(await begin_sign_in(off, person), 401, "second_factor_required")


async def test_removed_app_is_asked_for_no_more_and_its_recovery_codes_go_with_it(
    api: Api, services: Services, person: Person, database: Database
) -> None:
    await set_up_app(api, services, person)
    await take_mails(services)
    person = await refreshed(api, person)

    answer = await api.client.request("DELETE", f"{ME}/totp", headers=person.headers, json={"password": PASSWORD})

    assert answer.status_code == 204
    assert (await begin_sign_in(api, person)).status_code == 200
    assert await told(services) == ["second_factor_removed"]
    async with database.read() as tx:
        assert [*(await tx.scalars(select(TotpSecret))), *(await tx.scalars(select(RecoveryCodes)))] == []
    again = await api.client.request("DELETE", f"{ME}/totp", headers=person.headers, json={"password": PASSWORD})
    assert_problem(again, 404, "no_second_factor")
    codes = await api.post(f"{ME}/recovery-codes", headers=person.headers, json={"password": PASSWORD})
    assert_problem(codes, 404, "no_second_factor")


async def test_new_recovery_codes_make_the_old_ones_void(api: Api, services: Services, person: Person) -> None:
    app = await set_up_app(api, services, person)
    await take_mails(services)
    person = await refreshed(api, person)

    answer = await api.post(f"{ME}/recovery-codes", headers=person.headers, json={"password": PASSWORD})

    new = answer.json()["recoveryCodes"]
    assert not set(new) & set(app.recovery_codes)
    assert await told(services) == ["recovery_codes_replaced"]
    token = await pending_token(api, person)
    assert_problem(await go_on(api, token, app.recovery_codes[0], "recovery_code"), 401, "invalid_code")
    assert (await go_on(api, token, new[0], "recovery_code")).status_code == 200


async def test_used_recovery_code_is_told_of_and_how_many_are_left(
    api: Api, services: Services, person: Person, database: Database
) -> None:
    app = await set_up_app(api, services, person)
    await take_mails(services)
    texts = []
    for code in (app.recovery_codes[0], app.recovery_codes[6]):
        assert (await go_on(api, await pending_token(api, person), code, "recovery_code")).status_code == 200
        [mail] = [mail for mail in await take_mails(services) if mail.kind == "recovery_code_used"]
        texts.append(mail.text)
        async with database.begin() as tx:
            await tx.execute(update(RecoveryCodes).values(unused=0b1111000000))

    assert "Recovery codes left: 9 of 10." in texts[0]
    assert "Recovery codes left: 3 of 10." in texts[1]
    assert ["Please make new ones soon" in text for text in texts] == [False, True]


async def test_audit_log_tells_of_each_change_and_holds_no_secret(
    api: Api, services: Services, person: Person, database: Database
) -> None:
    app = await set_up_app(api, services, person)
    await go_on(api, await pending_token(api, person), app.recovery_codes[0], "recovery_code")
    person = await refreshed(api, person)
    again = await api.post(f"{ME}/recovery-codes", headers=person.headers, json={"password": PASSWORD})
    await api.client.request("DELETE", f"{ME}/totp", headers=person.headers, json={"password": PASSWORD})

    async with database.read() as tx:
        entries = (await tx.scalars(select(AuditEntry).where(AuditEntry.user_id == person.id))).all()
    events = [entry.event for entry in entries]
    for event in ("totp.enrolled", "sign_in.pending", "recovery_code.used", "recovery_code.replaced", "totp.removed"):
        assert event in events
    stored = str([entry.details for entry in entries])
    assert not any(code in stored for code in [*app.recovery_codes, *again.json()["recoveryCodes"]])


async def test_export_tells_of_the_factors_and_deletion_takes_them_along(
    api: Api, services: Services, person: Person, database: Database, clock: FakeClock
) -> None:
    app = await set_up_app(api, services, person)
    token = await pending_token(api, person)

    text = (await api.get(f"{ME}/export", headers=person.headers)).text

    assert '"secondFactors":{"totp":{"createdAt":' in text.replace(" ", "")
    assert '"pendingSignIns":[{' in text.replace(" ", "")
    async with database.read() as tx:
        stored = (await tx.scalars(select(TotpSecret.sealed_secret))).one()
    assert not any(secret in text for secret in (stored, token, *app.recovery_codes))
    person = await refreshed(api, person)
    await api.client.request("DELETE", ME, headers=person.headers, json={"password": PASSWORD})
    clock.advance(days=14)
    assert await services.identity.deletion.erase_due() == 1
    async with database.read() as tx:
        left = [*(await tx.scalars(select(User))), *(await tx.scalars(select(TotpSecret)))]
        assert [*left, *(await tx.scalars(select(RecoveryCodes)))] == []
