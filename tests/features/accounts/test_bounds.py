"""Texts at the bound of their columns: what fits in the form in which it is kept, and what does not."""

from typing import Any

import pytest
from sqlalchemy import select, update

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User, user_roles
from gatepost.identity.accounts.names import parse_email, parse_username
from gatepost.identity.sessions.models import Session
from gatepost.mail.models import OutboxMail
from tests.conftest import MakeServices
from tests.support.api import PASSWORD, Api, assert_problem, bearer
from tests.support.links import take_link, take_mails

# One letter that is normalised to eighteen, three of them spaces; one that becomes an @; and two that become two.
LIGATURE, FULL_WIDTH_AT, SHARP_S, N_PRECEDED = "\ufdfa", "\uff20", "ß", "\u0149"
DOMAIN = ".".join(["d" * 63, "d" * 63, "d" * 57, "example"])
TOO_LONG = (
    f"{LIGATURE * 17}@example.com",
    f"{LIGATURE * 18}@example.com",
    f"{LIGATURE * 60}@example.com",
    f"{'x' * 65}@example.com",
    f"{'я' * 33}@example.com",
    f"{SHARP_S * 33}@example.com",
    f"{N_PRECEDED * 22}@example.com",
)
NO_ADDRESS = (
    f"{LIGATURE}@example.com",
    f"a{FULL_WIDTH_AT}b@example.com",
    "a\u2026b@example.com",
    "\u2474@example.com",
    f"x@{'d' * 64}.example",
    f"x@d.{DOMAIN}.dddddddddddd.{'d' * 60}",
)
FITS = (
    f"{'x' * 64}@example.com",
    f"{'я' * 32}@example.com",
    f"{SHARP_S * 32}@example.com",
    f"{N_PRECEDED * 21}@example.com",
    f"{'x' * 54}@{DOMAIN}",
    f"x@{'ü' * 40}.example",
)


def _bodies(email: str) -> dict[str, dict[str, Any]]:
    return {
        "/api/auth/signup": {"username": "Long", "email": email, "password": PASSWORD},
        "/api/auth/password/forgot": {"email": email},
        "/api/auth/email/resend": {"email": email},
        "/api/auth/email/change": {"email": email, "currentPassword": PASSWORD},
        "/api/admin/users": {"username": "Long", "email": email, "password": PASSWORD, "roles": ["user"]},
        "/api/admin/invitations": {"email": email},
    }


@pytest.fixture
async def services(make_services: MakeServices) -> Services:
    """Return the services, which let everybody ask as often as they like."""
    return make_services(rate_limits=False)


@pytest.fixture
async def admin(api: Api, database: Database) -> dict[str, str]:
    """Return the headers of an administrator."""
    person = await api.sign_up("Root")
    async with database.begin() as tx:
        await tx.execute(user_roles.insert().values(user_id=person.id, role_id=3))
    return bearer((await api.sign_in("Root")).access_token)


@pytest.mark.both_databases
async def test_address_that_is_too_long_in_any_form_is_refused_wherever_it_is_given(
    api: Api, admin: dict[str, str], database: Database
) -> None:
    for email in (*TOO_LONG, *NO_ADDRESS):
        for path, body in _bodies(email).items():
            answer = await api.post(path, json=body, headers=admin)

            problem = assert_problem(answer, 422, "validation_failed")
            assert [item["field"] for item in problem["errors"]] == ["email"], (path, ascii(email))
            if email in TOO_LONG:
                assert "at most 64 bytes before the @" in problem["message"], ascii(email)
        signed_in = await api.post("/api/auth/signin", json={"email": email, "password": PASSWORD})
        assert_problem(signed_in, 401, "invalid_credentials")
        assert (await api.get("/api/admin/users", params={"search": email}, headers=admin)).status_code == 200

    async with database.read() as tx:
        assert (await tx.scalars(select(User.username))).all() == ["Root"]
        assert {mail.address for mail in await tx.scalars(select(OutboxMail))} <= {"root@example.com"}


async def test_address_at_the_bound_goes_the_whole_way(api: Api, services: Services, database: Database) -> None:
    for number, email in enumerate(FITS):
        person = await api.sign_up(f"Fits {number}", email=email)
        token = await take_link(services, "verify_email")
        verified = await api.post("/api/auth/email/verify", json={"token": token}, headers=person.headers)
        signed_in = await api.post("/api/auth/signin", json={"email": email.upper(), "password": PASSWORD})

        assert verified.status_code == 200, verified.text
        assert signed_in.json()["id"] == person.id, ascii(email)

    async with database.read() as tx:
        assert len((await tx.scalars(select(User.id))).all()) == len(FITS)


async def test_account_from_before_the_bound_still_signs_in_and_gets_its_mails(
    api: Api, services: Services, database: Database
) -> None:
    person = await api.sign_up("Early")
    email = f"{'я' * 40}@example.com"
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(email=email, email_canonical=email))
    await take_mails(services)

    signed_in = await api.post("/api/auth/signin", json={"email": email, "password": PASSWORD})
    changed = await api.post(
        "/api/auth/password/change",
        json={"currentPassword": PASSWORD, "newPassword": "another horse"},
        headers=bearer(signed_in.json()["accessToken"]),
    )
    token = await take_link(services, "password_changed")

    assert changed.status_code == 204, changed.text
    assert (await api.post("/api/auth/not-me", json={"token": token})).status_code == 200


async def test_user_name_is_measured_as_it_is_kept(api: Api) -> None:
    # Each is two letters in small, or three when it is composed.
    for name in ("İ" * 33, "\ufb2c" * 22, "x" * 65):
        answer = await api.post(
            "/api/auth/signup", json={"username": name, "email": "long@example.com", "password": PASSWORD}
        )
        problem = assert_problem(answer, 422, "validation_failed")
        assert problem["errors"][0]["message"] == "A user name can have at most 64 characters.", ascii(name)
    for number, name in enumerate(("İ" * 32, "\ufb2c" * 21, "x" * 64)):
        await api.sign_up(name, email=f"long{number}@example.com")
        await api.sign_in(name)


@pytest.mark.both_databases
@pytest.mark.parametrize("agent", ["é" * 300, "A" * 61 + "/1 Windows", "x" * 255 + "\u00ad", "\xff" * 254 + "\x80\x80"])
async def test_user_agent_is_kept_up_to_its_bound(api: Api, database: Database, agent: str) -> None:
    body = {"username": "Agent", "email": "agent@example.com", "password": PASSWORD}
    answer = await api.post("/api/auth/signup", json=body, headers={b"user-agent": agent.encode("latin-1")})

    assert answer.status_code == 201, answer.text
    async with database.read() as tx:
        kept = await tx.scalar(select(Session.user_agent))
    assert kept is not None
    assert agent.startswith(kept)
    assert len(kept) <= 255


async def test_texts_of_a_role_and_a_language_are_kept_up_to_their_bounds(api: Api, admin: dict[str, str]) -> None:
    for length, status in ((255, 201), (256, 422)):
        body = {"name": f"r{'o' * 63}", "description": "\U0001f600" * length, "permissions": ["p" * 64]}
        assert (await api.post("/api/admin/roles", json=body, headers=admin)).status_code == status
    odd = {**admin, "Accept-Language": "de-" + "x" * 200}
    body = {"username": "Tongue", "email": "tongue@example.com", "password": PASSWORD}
    assert (await api.post("/api/auth/signup", json=body, headers=odd)).status_code == 201


def test_form_that_is_kept_is_read_as_itself() -> None:
    for email in FITS:
        canonical = parse_email(email).canonical
        assert parse_email(canonical).canonical == canonical
        assert len(canonical) <= 320
    assert parse_username("İ" * 32).canonical == "i\u0307" * 32
