"""Devices on which the second factor is not asked for again."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.core.db.purging import ExpiredRows
from gatepost.identity.assurance.models import TrustedDevice
from gatepost.identity.tokens.principal import Acr
from tests.conftest import MakeServices, http_client, started
from tests.support.api import Api, Person, assert_problem, bearer
from tests.support.clock import FakeClock
from tests.support.factors import ME, App, begin_sign_in, go_on, pending_token, prove_again, set_up_app
from tests.support.links import take_link
from tests.support.passkeys import pass_time
from tests.support.workers import claims

DEVICES = f"{ME}/trusted-devices"
HEADER = "X-Device-Token"


async def trust(api: Api, person: Person, code: str, **headers: str) -> httpx.Response:
    """Sign in with a code, and trust the device."""
    body = {"pendingToken": await pending_token(api, person), "method": "totp", "code": code, "trustDevice": True}
    answer = await api.post("/api/auth/signin/continue", json=body, headers={HEADER: "", **headers})
    assert answer.status_code == 200, answer.text
    return answer


@pytest.fixture
async def trusted(api: Api, person: Person, app_of_person: App, clock: FakeClock) -> str:
    """Return the token of a device that is trusted with the account."""
    token: str = (await trust(api, person, app_of_person.code(clock.now()))).headers[HEADER]
    return token


@pytest.mark.both_databases
async def test_trusted_device_needs_the_password_alone(
    api: Api, person: Person, trusted: str, clock: FakeClock, database: Database
) -> None:
    clock.advance(days=29)

    answer = await begin_sign_in(api, person, **{HEADER: trusted})

    assert answer.status_code == 200, answer.text
    told = claims(answer.json()["accessToken"])
    # No second factor was shown, so a service that asks for one by `acr` must not see one.
    assert (told["acr"], told["amr"]) == (Acr.ONE_FACTOR, ["pwd"])
    renewed = await api.refresh(answer.json()["refreshToken"])
    assert renewed.status_code == 200
    assert (await begin_sign_in(api, person)).status_code == 401
    wrong = await begin_sign_in(api, person, "wrong horse", **{HEADER: trusted})
    assert_problem(wrong, 401, "invalid_credentials")
    async with database.read() as tx:
        device = (await tx.scalars(select(TrustedDevice))).one()
        assert device.last_used_at == clock.now()
    clock.advance(days=1)
    assert_problem(await begin_sign_in(api, person, **{HEADER: trusted}), 401, "second_factor_required")


async def test_cookie_carries_the_trust_of_a_browser(
    api: Api, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    body = {
        "pendingToken": await pending_token(api, person), "method": "totp", "code": app_of_person.code(clock.now()),
        "trustDevice": True,
    }  # fmt: skip
    answer = await api.post("/api/auth/signin/continue", json=body)
    cookie = next(c for c in answer.headers.get_list("set-cookie") if c.startswith("gatepost_device="))
    assert "HttpOnly" in cookie

    again = await begin_sign_in(api, person, Cookie=cookie.split(";")[0])

    assert again.status_code == 200


async def test_app_of_another_origin_may_read_its_device_token(
    api: Api, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    answer = await trust(api, person, app_of_person.code(clock.now()), Origin="http://localhost:8081")

    assert HEADER in answer.headers["access-control-expose-headers"].split(", ")


async def test_session_of_a_trusted_device_changes_no_factor_before_it_has_shown_one(
    api: Api, services: Services, person: Person, trusted: str, app_of_person: App, clock: FakeClock
) -> None:
    clock.advance(minutes=2)
    await services.identity.revocations.poll()
    signed_in = (await begin_sign_in(api, person, **{HEADER: trusted})).json()
    headers = bearer(signed_in["accessToken"])

    assert_problem(await api.client.request("DELETE", f"{ME}/totp", headers=headers), 401, "step_up_required")

    there = Person(person.id, person.username, person.email, person.password, signed_in["accessToken"], "")
    proved = await prove_again(api, there, app_of_person.code(clock.now()))
    assert claims(proved.access_token)["acr"] == Acr.TWO_FACTORS
    assert (await api.client.request("DELETE", f"{ME}/totp", headers=proved.headers)).status_code == 204


async def test_device_gets_a_new_name_with_the_trust_so_that_no_planted_one_is_trusted(
    api: Api, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    first = await go_on(api, await pending_token(api, person), app_of_person.code(clock.now()), **{HEADER: ""})
    planted = first.headers[HEADER]
    clock.advance(minutes=1)

    new = (await trust(api, person, app_of_person.code(clock.now()), **{HEADER: planted})).headers[HEADER]

    assert new.split(".")[0] != planted.split(".")[0]
    assert_problem(await begin_sign_in(api, person, **{HEADER: planted}), 401, "second_factor_required")
    assert (await begin_sign_in(api, person, **{HEADER: new})).status_code == 200


async def test_trust_is_for_one_account_alone(
    api: Api, services: Services, person: Person, app_of_person: App, trusted: str, clock: FakeClock
) -> None:
    other = await api.sign_up("Other")
    await set_up_app(api, services, other)

    assert_problem(await begin_sign_in(api, other, **{HEADER: trusted}), 401, "second_factor_required")


@pytest.mark.parametrize("given", ["", "gpd_x", "gpd_" + "A" * 22 + ".1." + "A" * 43])
async def test_token_that_is_none_is_trusted_nowhere(api: Api, person: Person, trusted: str, given: str) -> None:
    assert_problem(await begin_sign_in(api, person, **{HEADER: given}), 401, "second_factor_required")


async def test_wrong_code_trusts_nothing(api: Api, person: Person, app_of_person: App, database: Database) -> None:
    body = {"pendingToken": await pending_token(api, person), "method": "totp", "code": "000000", "trustDevice": True}

    assert_problem(await api.post("/api/auth/signin/continue", json=body), 401, "invalid_code")

    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(TrustedDevice)) == 0


Change = Callable[[Api, Services, Person], Awaitable[Any]]


async def password_changed(api: Api, _: Services, proved: Person) -> None:
    body = {"newPassword": proved.password + " again"}
    assert (await api.post("/api/auth/password/change", json=body, headers=proved.headers)).status_code == 204


async def password_reset(api: Api, services: Services, proved: Person) -> None:
    await api.post("/api/auth/password/forgot", json={"email": proved.email})
    body = {"token": await take_link(services, "reset_password"), "password": proved.password + " again"}
    assert (await api.post("/api/auth/password/reset", json=body)).status_code == 200


async def codes_replaced(api: Api, _: Services, proved: Person) -> None:
    assert (await api.post(f"{ME}/recovery-codes", headers=proved.headers)).status_code == 200


async def app_replaced(api: Api, services: Services, proved: Person) -> None:
    assert (await api.client.request("DELETE", f"{ME}/totp", headers=proved.headers)).status_code == 204
    await set_up_app(api, services, proved)


async def said_not_me(api: Api, services: Services, proved: Person) -> None:
    await codes_replaced(api, services, proved)
    token = await take_link(services, "recovery_codes_replaced")
    assert (await api.post("/api/auth/not-me", json={"token": token})).status_code == 200


@pytest.mark.parametrize("change", [password_changed, password_reset, codes_replaced, app_replaced, said_not_me])
async def test_trust_ends_with_any_change_of_the_password_or_of_a_factor(
    api: Api, services: Services, person: Person, app_of_person: App, trusted: str, clock: FakeClock, change: Change,
    database: Database,
) -> None:  # fmt: skip
    clock.advance(minutes=2)
    await services.identity.revocations.poll()
    proved = await prove_again(api, person, app_of_person.code(clock.now()))

    await change(api, services, proved)

    async with database.read() as tx:
        assert await tx.scalar(select(func.count()).select_from(TrustedDevice)) == 0


async def test_devices_are_listed_and_trusted_no_more_and_their_sessions_end(
    api: Api, services: Services, person: Person, trusted: str, clock: FakeClock, database: Database
) -> None:
    clock.advance(minutes=2)
    await services.identity.revocations.poll()
    there = (await begin_sign_in(api, person, **{HEADER: trusted})).json()

    listed = (await api.get(DEVICES, headers={**person.headers, HEADER: trusted})).json()

    assert [set(one) for one in listed] == [
        {"id", "isCurrent", "device", "userAgent", "address", "createdAt", "lastUsedAt", "expiresAt"}
    ]
    assert (listed[0]["isCurrent"], listed[0]["address"]) == (True, "203.0.113.7")
    assert (await api.get(DEVICES, headers=person.headers)).json()[0]["isCurrent"] is False
    stranger = await api.sign_up("Stranger")
    refused = await api.delete(f"{DEVICES}/{listed[0]['id']}", headers=stranger.headers)
    assert_problem(refused, 404, "trusted_device_not_found")

    answer = await api.delete(f"{DEVICES}/{listed[0]['id']}", headers=person.headers)

    assert answer.status_code == 204
    assert (await api.get(DEVICES, headers=person.headers)).json() == []
    assert_problem(await begin_sign_in(api, person, **{HEADER: trusted}), 401, "second_factor_required")
    assert (await api.refresh(there["refreshToken"])).status_code == 403
    assert (await api.refresh(person.refresh_token)).status_code == 200
    async with database.read() as tx:
        events = set(await tx.scalars(select(AuditEntry.event).where(AuditEntry.user_id == person.id)))
    assert {"trusted_device.added", "trusted_device.removed"} <= events


async def test_export_tells_of_it_and_it_goes_after_its_time(
    api: Api, services: Services, person: Person, trusted: str, clock: FakeClock
) -> None:
    exported = (await api.get(f"{ME}/export", headers=person.headers)).json()
    assert [set(one) for one in exported["trustedDevices"]] == [
        {"device", "userAgent", "address", "createdAt", "lastUsedAt", "expiresAt"}
    ]
    purge = ExpiredRows(services.platform.database, clock, TrustedDevice.id, TrustedDevice.expires_at)
    assert await purge.run() == 0
    clock.advance(days=30)
    assert await purge.run() == 1


async def test_where_it_is_off_no_device_is_trusted(make_services: MakeServices, clock: FakeClock) -> None:
    services, without = make_services(), make_services(trusted_device_days=0)
    async with started(services) as running, http_client(running) as client:
        api = Api(client)
        person = await api.sign_up()
        app = await set_up_app(api, services, person)
        clock.advance(minutes=1)
        before = (await trust(api, person, app.code(clock.now()))).headers[HEADER]
        assert (await begin_sign_in(api, person, **{HEADER: before})).status_code == 200
    async with started(without) as running, http_client(running) as client:
        api = Api(client)
        clock.advance(minutes=1)
        await without.identity.revocations.poll()
        new = (await trust(api, person, app.code(clock.now()))).headers[HEADER]

        for token in (before, new):
            assert_problem(await begin_sign_in(api, person, **{HEADER: token}), 401, "second_factor_required")


@pytest.mark.both_databases
@pytest.mark.parametrize(("days", "last"), [(7, 7), (90, 30)], ids=["lowered", "raised"])
async def test_list_and_sign_in_know_the_same_end_when_the_setting_changes(
    make_services: MakeServices, clock: FakeClock, days: int, last: int
) -> None:
    """A device is trusted for no longer than its person was told, and than the setting allows by now."""
    changed = make_services(trusted_device_days=days)
    async with started(make_services()) as running, http_client(running) as client:
        api = Api(client)
        person = await api.sign_up()
        app = await set_up_app(api, make_services(), person)
        clock.advance(minutes=1)
        shown = await trust(api, person, app.code(clock.now()))
        token, since = shown.headers[HEADER], clock.now()
    async with started(changed) as running, http_client(running) as client:
        api = Api(client)
        for passed, is_trusted in ((last - 1, True), (1, False)):
            await pass_time(changed, clock, days=passed)
            answer = await begin_sign_in(api, person, **{HEADER: token})
            assert answer.status_code == (200 if is_trusted else 401)
            body = {"refreshToken": shown.json()["refreshToken"]}
            shown = await api.post("/api/auth/refreshtoken", json=body)
            listed = (await api.get(DEVICES, headers=bearer(shown.json()["accessToken"]))).json()
            assert [datetime.fromisoformat(one["expiresAt"]) for one in listed] == (
                [since + timedelta(days=last)] if is_trusted else []
            )
