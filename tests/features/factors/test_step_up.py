"""A fresh proof before what a session alone is not enough for (RFC 9470)."""

from typing import Any

import pytest
from sqlalchemy import select

from gatepost.audit.models import AuditEntry
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.sessions.models import Session
from gatepost.identity.tokens.principal import Acr
from tests.conftest import MakeServices, http_client, started
from tests.features.admin.conftest import MakePerson, person_with  # noqa: F401  a fixture
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.factors import ME, App, prove_again, refreshed
from tests.support.workers import claims

AGAIN = "/api/auth/reauthenticate"
# What changes who can sign in, or takes the account away; each with a body that would be right.
GUARDED = [
    ("POST", "/api/auth/password/change", "currentPassword", {"newPassword": "another horse"}, 204),
    ("POST", "/api/auth/email/change", "currentPassword", {"email": "other@example.com"}, 202),
    ("DELETE", ME, "password", {}, 202),
    ("POST", f"{ME}/recovery-codes", "password", {}, 200),
    ("DELETE", f"{ME}/totp", "password", {}, 204),
]
each_guarded = pytest.mark.parametrize(("method", "path", "field", "body", "status"), GUARDED)
# What gives somebody power, or takes somebody's account away.
POWER = [
    ("POST", "/api/admin/roles", {"name": "reader", "permissions": ["users:read"]}, 201),
    ("PATCH", "/api/admin/roles/2", {"permissions": ["users:read"]}, 200),
    ("PUT", "/api/admin/users/{id}/roles", {"roles": ["moderator"]}, 200),
    ("PATCH", "/api/admin/users/{id}", {"email": "new@example.com"}, 200),
    ("POST", "/api/admin/users/{id}/disable", {}, 200),
    ("POST", "/api/admin/users/{id}/enable", {}, 200),
    ("DELETE", "/api/admin/users/{id}", None, 204),
    ("DELETE", "/api/admin/roles/{role}", None, 204),
    ("POST", "/api/admin/users", {"username": "n", "email": "n@example.com", "password": PASSWORD}, 201),
    ("POST", "/api/admin/invitations", {"email": "guest@example.com", "roles": ["moderator"]}, 201),
]


async def later(services: Services, clock: FakeClock, **wait: float) -> None:
    """Let time pass, with revocations read."""
    clock.advance(**wait)
    await services.identity.revocations.poll()


def assert_step_up(answer: Any, *, acr: bool, methods: list[str]) -> None:
    """Check the challenge: what is wanted stands in the header, as RFC 9470 has it, and in the body."""
    body = assert_problem(answer, 401, "step_up_required")
    wanted = [Acr.TWO_FACTORS, Acr.PHISHING_RESISTANT] if acr else list(Acr)
    assert (body["maxAge"], body["acrValues"], body["methods"]) == (300, wanted, methods)
    assert answer.headers["www-authenticate"] == (
        'Bearer error="insufficient_user_authentication", error_description="Please confirm that it is you.", '
        f'acr_values="{" ".join(wanted)}", max_age="300"'
    )


@each_guarded
async def test_stolen_session_with_the_password_takes_no_account_that_has_a_factor(
    api: Api, services: Services, person: Person, app_of_person: App, clock: FakeClock,
    method: str, path: str, field: str, body: dict[str, str], status: int,
) -> None:  # fmt: skip
    person = await refreshed(api, person)
    await later(services, clock, minutes=5)

    answer = await api.client.request(method, path, json={**body, field: PASSWORD}, headers=person.headers)

    assert_step_up(answer, acr=True, methods=["totp", "recovery_code"])
    again = await api.post(AGAIN, json={"method": "password", "password": PASSWORD}, headers=person.headers)
    assert_step_up(again, acr=True, methods=["totp", "recovery_code"])

    proved = await prove_again(api, person, app_of_person.code(clock.now()))

    answer = await api.client.request(method, path, json=body, headers=proved.headers)
    assert answer.status_code == status, answer.text


@each_guarded
async def test_password_is_enough_where_there_is_no_factor_in_the_body_or_just_before(
    api: Api, services: Services, person: Person, clock: FakeClock,
    method: str, path: str, field: str, body: dict[str, str], status: int,
) -> None:  # fmt: skip
    await later(services, clock, minutes=6)
    wanted = 404 if "recovery" in path or path.endswith("totp") else status

    assert_step_up(
        await api.client.request(method, path, json=body, headers=person.headers), acr=False, methods=["password"]
    )
    wrong = await api.client.request(method, path, json={**body, field: "wrong horse"}, headers=person.headers)
    assert_problem(wrong, 403, "wrong_password")
    proved = await prove_again(api, person, PASSWORD, "password")

    answer = await api.client.request(method, path, json=body, headers=proved.headers)

    assert answer.status_code == wanted, answer.text


async def test_password_in_the_body_does_what_it_did_before(
    api: Api, services: Services, person: Person, clock: FakeClock
) -> None:
    await later(services, clock, hours=3)

    body = {"currentPassword": PASSWORD, "newPassword": "another horse"}
    answer = await api.post("/api/auth/password/change", json=body, headers=person.headers)

    assert answer.status_code == 204


@pytest.mark.parametrize(("method", "path", "body", "status"), POWER)
async def test_power_is_given_with_a_fresh_proof_alone(
    api: Api, services: Services, person_with: MakePerson, clock: FakeClock,  # noqa: F811
    method: str, path: str, body: dict[str, Any] | None, status: int,
) -> None:  # fmt: skip
    root, other = await person_with("Root", "admin"), await api.sign_up("Other")
    role = await api.post("/api/admin/roles", json={"name": "cook", "permissions": []}, headers=root.headers)
    await later(services, clock, minutes=5, seconds=1)
    path = path.format(id=other.id, role=role.json()["id"])

    # Who may not do it at all is not asked for a proof.
    refused = await api.client.request(method, path, json=body, headers=other.headers)
    assert_problem(refused, 403, "permission_required")
    assert_step_up(
        await api.client.request(method, path, json=body, headers=root.headers), acr=False, methods=["password"]
    )
    proved = await prove_again(api, root, PASSWORD, "password")

    answer = await api.client.request(method, path, json=body, headers=proved.headers)
    assert answer.status_code == status, answer.text


@pytest.mark.both_databases
async def test_session_and_its_next_tokens_say_what_was_proved(
    api: Api, services: Services, person: Person, app_of_person: App, clock: FakeClock, database: Database
) -> None:
    person = await refreshed(api, person)
    before = claims(person.access_token)
    await later(services, clock, minutes=10)

    answer = await api.post(
        AGAIN, json={"method": "totp", "code": app_of_person.code(clock.now())}, headers=person.headers
    )

    assert answer.status_code == 200, answer.text
    body = answer.json()
    now = clock.now()
    assert set(body) == {"tokenType", "accessToken", "expiresIn", "acr", "authTime"}
    assert (body["acr"], body["authTime"]) == (Acr.TWO_FACTORS, now.isoformat().replace("+00:00", "Z"))
    told = claims(body["accessToken"])
    assert (told["acr"], told["amr"], told["auth_time"]) == (Acr.TWO_FACTORS, ["pwd", "otp", "mfa"], now.timestamp())
    assert (told["sid"], told["auth_time"] - before["auth_time"]) == (before["sid"], 11 * 60)
    await later(services, clock, minutes=1)
    next_token = claims((await refreshed(api, person)).access_token)
    assert (next_token["acr"], next_token["auth_time"]) == (Acr.TWO_FACTORS, now.timestamp())
    async with database.read() as tx:
        stored = await tx.get_one(Session, int(told["sid"]))
        events = (await tx.scalars(select(AuditEntry).where(AuditEntry.event == "session.reauthenticated"))).all()
    assert [proof["by"] for proof in stored.proofs or []] == ["password", "totp"]
    assert [entry.details for entry in events] == [{"method": "totp"}]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({"method": "totp", "code": "000000"}, 401, "invalid_code"),
        ({"method": "recovery_code", "code": "AAAAA-AAAAA"}, 401, "invalid_code"),
        ({"method": "password", "code": "123456"}, 422, "validation_failed"),
        ({"method": "totp", "password": PASSWORD}, 422, "validation_failed"),
        ({"method": "totp", "code": "123456", "password": PASSWORD}, 422, "validation_failed"),
        ({"method": "totp"}, 422, "validation_failed"),
        ({"method": "trusted_device", "code": "123456"}, 422, "validation_failed"),
        ({"method": "magic", "code": "123456"}, 422, "validation_failed"),
    ],
)
async def test_what_is_no_proof_proves_nothing(
    api: Api,
    services: Services,
    person: Person,
    app_of_person: App,
    clock: FakeClock,
    body: dict[str, str],
    status: int,
    code: str,
) -> None:
    person = await refreshed(api, person)
    await later(services, clock, minutes=6)

    assert_problem(await api.post(AGAIN, json=body, headers=person.headers), status, code)

    removed = await api.client.request("DELETE", f"{ME}/totp", headers=person.headers)
    assert_problem(removed, 401, "step_up_required")


async def test_code_is_used_up_and_wrong_ones_make_wait_wherever_they_are_tried(
    api: Api, person: Person, app_of_person: App, clock: FakeClock
) -> None:
    code = {"method": "totp", "code": app_of_person.code(clock.now())}
    assert (await api.post(AGAIN, json=code, headers=person.headers)).status_code == 200
    assert_problem(await api.post(AGAIN, json=code, headers=person.headers), 401, "invalid_code")
    for _ in range(4):
        await api.post(AGAIN, json={"method": "totp", "code": "000000"}, headers=person.headers)

    right = {"method": "recovery_code", "code": app_of_person.recovery_codes[0]}

    assert_problem(await api.post(AGAIN, json=right, headers=person.headers), 429, "too_many_attempts")


async def test_session_that_has_ended_proves_nothing_more(api: Api, services: Services, person: Person) -> None:
    async with services.platform.database.begin() as tx:
        for session in await tx.scalars(select(Session)):
            session.ended_at = services.platform.clock.now()

    answer = await api.post(AGAIN, json={"method": "password", "password": PASSWORD}, headers=person.headers)

    assert_problem(answer, 401, "token_revoked")


async def test_token_that_came_as_a_cookie_goes_back_as_one(api: Api, person: Person) -> None:
    body = {"method": "password", "password": PASSWORD}
    headers = {"Cookie": f"gatepost_access={person.access_token}", "Origin": "http://localhost:8080"}

    answer = await api.post(AGAIN, json=body, headers=headers)

    assert (answer.status_code, answer.json()["accessToken"]) == (200, None)
    cookies = answer.headers.get_list("set-cookie")
    assert [cookie.split("=")[0] for cookie in cookies] == ["gatepost_access"]
    assert cookies[0].split("=")[1] != person.access_token
    foreign = await api.post(AGAIN, json=body, headers={**headers, "Origin": "https://evil.example"})
    assert foreign.status_code == 403


async def test_token_that_came_in_a_header_leaves_the_cookies_of_somebody_else_alone(
    make_services: MakeServices,
) -> None:
    async with started(make_services(token_transport="both")) as running, http_client(running) as client:
        api = Api(client)
        person, other = await api.sign_up(), await api.sign_up("Other")
        cookies = f"gatepost_access={other.access_token}; gatepost_refresh={other.refresh_token}"
        headers = {**person.headers, "Cookie": cookies, "Origin": "http://localhost:8080"}

        answer = await api.post(AGAIN, json={"method": "password", "password": PASSWORD}, headers=headers)

        assert answer.status_code == 200
        assert answer.json()["accessToken"]
        assert "set-cookie" not in answer.headers
