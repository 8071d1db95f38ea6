"""Administrators and operators see who has passkeys, and whether there is a password, and remove lost ones."""

import json

import pytest
from sqlalchemy import select, update

from gatepost.admin.accounts.search import FactorFilter
from gatepost.audit.models import AuditEntry
from gatepost.cli.factors import NAMES
from gatepost.composition.services import Services
from gatepost.console.translations import words_of
from gatepost.core.crypto.passwords import UNUSABLE_HASH
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.enrolment import OWNERS, SECOND_FACTORS
from gatepost.identity.factors.methods import Method
from gatepost.identity.factors.models import Passkey
from gatepost.mail.languages import SUPPORTED
from tests.support.api import Api, Person, assert_problem
from tests.support.commands import run_command
from tests.support.factors import begin_sign_in
from tests.support.links import take_link, take_mails
from tests.support.passkeys import Browser, sign_in_with

pytestmark = pytest.mark.both_databases

URL = "/api/admin/users"
BOTH = ["passkey", "recovery_code"]


@pytest.fixture
async def passkey_alone(database: Database, person: Person, browser: Browser) -> None:
    """Let the person have no password."""
    async with database.begin() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(password_hash=UNUSABLE_HASH))


@pytest.mark.parametrize("language", SUPPORTED)
def test_every_factor_has_a_name_wherever_factors_are_named(language: str) -> None:
    words = words_of(language)

    removable = {*OWNERS, Method.PROVIDER}
    assert set(NAMES) == removable
    assert {choice.value for choice in FactorFilter} == {"any", "none", *SECOND_FACTORS, Method.PROVIDER}
    assert set(words.below("admin_people.client.factor")) == {
        f"admin_people.client.factor.{choice}" for choice in FactorFilter
    }
    for prefix, methods in (
        ("admin_people.client.has", SECOND_FACTORS),
        ("admin.client.factor", OWNERS),
        ("admin_events.value.factors", removable),
    ):
        assert set(words.below(prefix)) == {f"{prefix}.{method}" for method in methods}


@pytest.mark.parametrize(
    ("factor", "found"),
    [("passkey", ["Abbey Salami"]), ("totp", []), ("any", ["Abbey Salami"]), ("none", ["Plain", "Root"])],
)
async def test_list_shows_and_filters_by_passkey(
    api: Api, admin: Person, browser: Browser, factor: str, found: list[str]
) -> None:
    await api.sign_up("Plain")
    everybody = (await api.get(URL, headers=admin.headers)).json()["items"]

    body = (await api.get(URL, params={"factor": factor}, headers=admin.headers)).json()

    assert {item["username"]: item["factors"] for item in everybody} == {"Abbey Salami": BOTH, "Root": [], "Plain": []}
    assert sorted(item["username"] for item in body["items"]) == found


async def test_page_offers_the_filter(api: Api) -> None:
    page = (await api.client.get("/admin/people", headers={"Accept-Language": "de"})).text

    offered = [
        line.split(">")[1].split("<")[0] for line in page.split("<option ") if line.startswith('value="passkey"')
    ]
    assert offered == ["Passkey"]


async def test_commands_and_the_spreadsheet_have_them_too(
    api: Api, services: Services, admin: Person, person: Person, browser: Browser
) -> None:
    listed = await run_command(services.settings, "users", "list", "--factor", "passkey", "--json")
    shown = await run_command(services.settings, "users", "show", person.username)
    csv = await api.get(f"{URL}/export", params={"factor": "passkey"}, headers=admin.headers)

    assert [json.loads(line)["factors"] for line in listed.stdout.splitlines()] == [BOTH]
    assert "passkey, recovery_code" in shown.stdout
    assert '"passkey recovery_code"' in csv.text
    assert csv.text.count("\r\n") == 2


async def test_account_with_a_passkey_counts_as_one_with_a_second_factor(
    api: Api, services: Services, admin: Person, browser: Browser
) -> None:
    await services.admin.statistics_counter.measure()

    totals = (await api.get("/api/admin/overview?days=1", headers=admin.headers)).json()["totals"]

    assert (totals["people"], totals["withSecondFactor"]) == (2, 1)


async def test_administrators_see_whether_there_is_a_password(
    api: Api, services: Services, admin: Person, person: Person, passkey_alone: None
) -> None:
    shown = [
        await run_command(services.settings, "users", "show", name, "--json") for name in ("Root", person.username)
    ]
    table = await run_command(services.settings, "users", "show", person.username)
    seen = (await api.get(f"{URL}/{person.id}", headers=admin.headers)).json()

    assert [json.loads(result.stdout)["hasPassword"] for result in shown] == [True, False]
    assert ["hasPassword", "no"] in [line.split() for line in table.stdout.splitlines()]
    assert (seen["hasPassword"], seen["factors"]) == (False, BOTH)


@pytest.mark.parametrize(
    ("language", "words"),
    [
        ("en", "Your account has no password. To sign in again, request a link to choose one:"),
        ("de", "Ihr Konto hat kein Passwort. Um sich wieder anzumelden, fordern Sie einen Link an"),
    ],
)
async def test_mail_to_somebody_without_a_password_leads_back_in(
    api: Api,
    services: Services,
    database: Database,
    admin: Person,
    person: Person,
    browser: Browser,
    passkey_alone: None,
    language: str,
    words: str,
) -> None:
    await api.patch("/api/users/me", json={"language": language}, headers=person.headers)
    await take_mails(services)

    assert (await api.delete(f"{URL}/{person.id}/factors", headers=admin.headers)).status_code == 204

    [mail] = await take_mails(services)
    told = " ".join(mail.text.split())
    assert words in told
    assert "http://localhost:8080/forgot-password " in told
    assert "The password alone" not in told
    assert "genügt jetzt das Passwort" not in told
    assert_problem(await sign_in_with(api, browser), 401, "passkey_invalid")
    async with database.read() as tx:
        assert (await tx.scalars(select(Passkey.id))).all() == []
        [details] = await tx.scalars(select(AuditEntry.details).where(AuditEntry.event == "factors.reset"))
    assert details["factors"] == BOTH
    await api.patch(f"{URL}/{person.id}", json={"language": "en"}, headers=admin.headers)
    await api.post("/api/auth/password/forgot", json={"email": person.email})
    body = {"token": await take_link(services, "reset_password"), "password": "another correct horse"}
    assert (await api.post("/api/auth/password/reset", json=body)).status_code == 200
    assert (await begin_sign_in(api, person, body["password"])).status_code == 200


async def test_mail_tells_what_holds_when_it_is_sent(
    api: Api, services: Services, database: Database, admin: Person, person: Person, passkey_alone: None
) -> None:
    assert (await api.delete(f"{URL}/{person.id}/factors", headers=admin.headers)).status_code == 204
    async with database.begin() as tx:
        others = await tx.scalar(select(User.password_hash).where(User.id == admin.id))
        await tx.execute(update(User).where(User.id == person.id).values(password_hash=others))

    [mail] = [mail for mail in await take_mails(services) if mail.kind == "factors_reset"]

    assert "The password alone is enough to sign in now" in " ".join(mail.text.split())
    assert "forgot-password" not in mail.text


@pytest.mark.parametrize("has_password", [True, False])
async def test_command_tells_what_it_removed_and_what_is_left(
    services: Services, database: Database, person: Person, browser: Browser, has_password: bool
) -> None:
    if not has_password:
        async with database.begin() as tx:
            await tx.execute(update(User).values(password_hash=UNUSABLE_HASH))

    done = await run_command(services.settings, "factors", "reset", person.username, "--yes")

    told, *more = done.stdout.splitlines()
    assert (done.exit_code, told) == (
        0, f"#{person.id} {person.username}: removed the passkeys and the recovery codes; every session has ended",
    )  # fmt: skip
    assert ["has no password" in line for line in more] == ([] if has_password else [True])
