"""Accounts of people who have proved an address and chosen nothing."""

import pytest
from sqlalchemy.exc import IntegrityError

from gatepost.composition.services import Services
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.errors import InvitationRequired, SignUpClosed
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import parse_email
from tests.conftest import MakeServices, started

NOBODY = RequestInfo()


async def add(services: Services, email: str, hint: str | None = None) -> User:
    async with services.platform.database.begin() as tx:
        return await services.identity.accounts.add_proved(tx, parse_email(email), hint=hint, info=NOBODY)


async def test_account_has_the_proved_address_and_no_password(services: Services) -> None:
    async with started(services):
        user = await add(services, "Ada@acme.example", "Ada Lovelace")

    assert (user.username, user.email, user.has_password) == ("Ada Lovelace", "Ada@acme.example", False)
    assert user.email_verified_at is not None
    assert [role.name for role in user.roles] == ["user"]


async def test_name_that_is_taken_gets_digits(services: Services) -> None:
    async with started(services):
        first, second = await add(services, "ada@acme.example"), await add(services, "ADA@home.example")

    assert first.username == "ada"
    assert second.username.startswith("ADA-")


async def test_address_that_is_taken_is_refused_by_the_database(services: Services) -> None:
    async with started(services):
        await add(services, "ada@acme.example")
        with pytest.raises(IntegrityError):
            await add(services, "ada@acme.example", "Other")


@pytest.mark.parametrize(("signup", "error"), [("closed", SignUpClosed), ("invite", InvitationRequired)])
async def test_nobody_signs_up_where_sign_up_is_not_open(
    make_services: MakeServices, signup: str, error: type[Exception]
) -> None:
    services = make_services(signup=signup)
    async with started(services):
        with pytest.raises(error):
            await add(services, "ada@acme.example")
