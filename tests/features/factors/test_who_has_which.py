"""Who has which second factors: in the list of people and its filter, on the page of a person, and over time."""

import json
from itertools import product

import pytest

from gatepost.composition.services import Services
from gatepost.core.db.database import Database
from gatepost.identity.factors.models import RecoveryCodes
from tests.support.api import Api, Person, assert_problem
from tests.support.clock import FakeClock
from tests.support.commands import run_command
from tests.support.factors import App, prove_address, set_up_app
from tests.support.families import family

pytestmark = pytest.mark.both_databases

URL = "/api/admin/users"
BOTH = ["totp", "recovery_code"]


@pytest.fixture
async def others(api: Api, services: Services, app_of_person: App) -> list[Person]:
    """Return somebody without a factor, and somebody who has begun to set up an app."""
    plain, begun = await api.sign_up("Plain"), await api.sign_up("Begun")
    await prove_address(services, begun)
    await api.post("/api/users/me/totp", json={"password": begun.password}, headers=begun.headers)
    return [plain, begun]


async def test_factors_are_in_the_list_and_on_the_page_of_a_person(
    api: Api, database: Database, admin: Person, person: Person, others: list[Person]
) -> None:
    items = (await api.get(URL, headers=admin.headers)).json()["items"]
    changed = await api.patch(f"{URL}/{person.id}", json={"language": "de"}, headers=admin.headers)

    assert {item["username"]: item["factors"] for item in items} == {
        person.username: BOTH, "Root": [], "Plain": [], "Begun": []
    }  # fmt: skip
    assert changed.json()["factors"] == BOTH
    async with database.begin() as tx:
        codes = await tx.get(RecoveryCodes, person.id)
        assert codes is not None
        codes.unused = 0
    assert (await api.get(f"{URL}/{person.id}", headers=admin.headers)).json()["factors"] == ["totp"]


async def test_list_is_filtered_by_factor(api: Api, admin: Person, others: list[Person]) -> None:
    people = {"totp": ["Abbey Salami"], "any": ["Abbey Salami"], "none": ["Begun", "Plain", "Root"]}
    filters: tuple[dict[str, str], ...] = (
        {},
        {"sort": "-username"},
        {"role": "user"},
        {"status": "active"},
        {"search": "example.com"},
    )
    with family() as case:
        for (factor, found), more in product(people.items(), filters):
            with case((factor, more)):
                body = (await api.get(URL, params={"factor": factor, **more}, headers=admin.headers)).json()

                assert sorted(item["username"] for item in body["items"]) == found
                assert (body["total"], body["totalIsExact"]) == (len(found), True)


async def test_filter_holds_where_the_list_is_read_along_its_order(
    api: Api, admin: Person, others: list[Person], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gatepost.admin.accounts.finding.CAP", 0)

    for factor, found in (("any", ["Abbey Salami"]), ("none", ["Plain", "Begun", "Root"])):
        body = (await api.get(URL, params={"factor": factor, "sort": "createdAt"}, headers=admin.headers)).json()
        assert sorted(item["username"] for item in body["items"]) == sorted(found)


async def test_unknown_kind_is_refused(api: Api, admin: Person) -> None:
    assert_problem(await api.get(URL, params={"factor": "retina"}, headers=admin.headers), 422, "validation_failed")


async def test_commands_and_the_spreadsheet_have_them_too(
    api: Api, services: Services, admin: Person, person: Person, others: list[Person]
) -> None:
    listed = await run_command(services.settings, "users", "list", "--factor", "totp", "--json")
    shown = await run_command(services.settings, "users", "show", person.username)
    csv = await api.get(f"{URL}/export", params={"factor": "any"}, headers=admin.headers)

    assert [json.loads(line)["factors"] for line in listed.stdout.splitlines()] == [BOTH]
    assert "totp, recovery_code" in shown.stdout
    assert '"totp recovery_code"' in csv.text
    assert csv.text.count("\r\n") == 2


async def test_adoption_is_counted_day_by_day(
    api: Api, services: Services, admin: Person, person: Person, others: list[Person], clock: FakeClock
) -> None:
    await services.admin.statistics_counter.measure()
    clock.advance(days=1)
    await services.identity.revocations.poll()
    await set_up_app(api, services, await api.sign_in("Plain"))
    await services.admin.statistics_counter.measure()

    body = (await api.get("/api/admin/overview?days=3", headers=(await api.sign_in("Root")).headers)).json()

    assert [(day["people"], day["withSecondFactor"]) for day in body["days"]] == [(None, None), (4, 1), (4, 2)]
    assert (body["totals"]["people"], body["totals"]["withSecondFactor"]) == (4, 2)
