"""Passkeys that were made for another domain than the service has today."""

import pytest
from sqlalchemy import update

from gatepost.cli.doctor import passkeys_of_other_domains
from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.factors.models import Passkey
from tests.support.api import PASSWORD, Api, Person, assert_problem
from tests.support.factors import ME, begin_sign_in
from tests.support.passkeys import Browser, ask, options_for_new


@pytest.fixture(autouse=True)
async def moved(browser: Browser, database: Database) -> None:
    async with database.begin() as tx:
        await tx.execute(update(Passkey).values(rp_id="former.example.com"))


async def test_doctor_tells_of_them(services: Services) -> None:
    [finding] = [finding async for finding in passkeys_of_other_domains(services)]

    assert finding.severity == "warning"
    assert finding.text.startswith("passkeys that were made for another domain, and that nobody can use here: 1;")


async def test_they_are_not_offered_and_are_asked_for_still(api: Api, owner: Person) -> None:
    refused = assert_problem(await begin_sign_in(api, owner), 401, "second_factor_required")

    assert (await ask(api, refused["pendingToken"]))["publicKey"]["allowCredentials"] == []
    assert (await options_for_new(api, owner))["publicKey"]["excludeCredentials"] == []


async def test_they_are_no_way_in(api: Api, owner: Person) -> None:
    body = {"password": PASSWORD}
    answer = await api.client.request("DELETE", f"{ME}/password", json=body, headers=owner.headers)

    assert_problem(answer, 409, "last_way_in")
