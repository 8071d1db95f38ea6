"""Codes by mail, as the flows use them: asked for and checked in transactions of theirs."""

import asyncio

import pytest
from sqlalchemy import select, update

from gatepost.composition.services import Services
from gatepost.core.crypto.secrets import SecretKeys
from gatepost.core.db.database import retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.names import Name, parse_email
from gatepost.identity.credentials.email_codes.codes import CodeMacs, new_code
from gatepost.identity.credentials.email_codes.method import CodePurpose
from gatepost.identity.links.models import EmailCode
from gatepost.identity.throttling.errors import TooManyAttempts
from gatepost.identity.throttling.models import GuessCounter
from tests.support.clock import FakeClock
from tests.support.email_codes import wrong
from tests.support.links import Mail, take_mails

EMAIL = parse_email("heba@example.com")
FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
ASKER = RequestInfo(address="203.0.113.7", user_agent=FIREFOX)
FREE = 5


class Flow:
    """A flow that has an address proved, at one place."""

    def __init__(self, services: Services, bound_to: str = "a" * 64) -> None:
        self._services = services
        self._codes = services.identity.email_codes
        self.bound_to = bound_to

    @retry_conflicts
    async def ask(self, email: Name = EMAIL, *, before: str = "") -> None:
        """Ask for a code, as somebody does who asks again."""
        async with self._services.platform.database.begin() as tx:
            purpose = CodePurpose.PROVE_ADDRESS
            await self._codes.ask(tx, purpose, email, bound_to=self.bound_to, info=ASKER, before=before)

    async def asked(self) -> Mail:
        """Ask for a code, and return the mail."""
        await self.ask()
        [mail] = await take_mails(self._services)
        return mail

    @retry_conflicts
    async def shows(self, code: str, email: Name = EMAIL, purpose: CodePurpose = CodePurpose.PROVE_ADDRESS) -> bool:
        """Show a code; whether it proves the address."""
        async with self._services.platform.database.begin() as tx:
            proved = await self._codes.check(tx, purpose, code, bound_to=self.bound_to, email=email, info=ASKER)
        return proved is not None and proved.email == email


@pytest.mark.both_databases
async def test_code_proves_the_address_once(services: Services) -> None:
    flow = Flow(services)

    mail = await flow.asked()

    assert (mail.kind, mail.address) == ("address_code", EMAIL.display)
    assert "Firefox on Linux" in mail.text
    assert ASKER.address in mail.text
    assert await flow.shows(f" {mail.code[:3]} {mail.code[3:]}")
    assert not await flow.shows(mail.code)


async def test_code_is_good_for_its_place_address_and_purpose_alone(services: Services) -> None:
    flow, elsewhere = Flow(services), Flow(services, "b" * 64)
    code = (await flow.asked()).code

    assert not await elsewhere.shows(code)
    assert not await flow.shows(code, parse_email("other@example.com"))
    assert not await flow.shows(code, purpose=CodePurpose.SIGN_IN)
    assert await flow.shows(code)


async def test_new_code_of_a_place_makes_the_old_one_void(services: Services) -> None:
    flow, later = Flow(services), Flow(services, "b" * 64)
    first = (await flow.asked()).code
    second = (await flow.asked()).code
    assert first == second or not await flow.shows(first)

    await later.ask(before=flow.bound_to)

    assert not await flow.shows(second)
    [mail] = await take_mails(services)
    assert await later.shows(mail.code)


async def test_code_is_good_for_ten_minutes(services: Services, clock: FakeClock) -> None:
    flow = Flow(services)
    code = (await flow.asked()).code
    clock.advance(minutes=10)
    assert not await flow.shows(code)

    code = (await flow.asked()).code
    clock.advance(minutes=9, seconds=59)
    assert await flow.shows(code)


async def test_code_whose_mail_did_not_leave_in_its_time_is_not_sent(services: Services, clock: FakeClock) -> None:
    await Flow(services).ask()
    clock.advance(minutes=10)

    assert await take_mails(services) == []


@pytest.mark.both_databases
async def test_sixth_try_is_refused_although_it_is_right(services: Services, clock: FakeClock) -> None:
    flow = Flow(services)
    code = (await flow.asked()).code
    for _ in range(FREE):
        assert not await flow.shows(wrong(code))
    clock.advance(minutes=1)  # the wait is over

    assert not await flow.shows(code)


@pytest.mark.both_databases
async def test_wrong_codes_count_over_all_codes_of_an_address(services: Services) -> None:
    for place in "abcde":
        flow = Flow(services, place * 64)
        await flow.ask()
        assert not await flow.shows("no code")
    [*_, mail] = await take_mails(services)

    with pytest.raises(TooManyAttempts):
        await flow.shows(mail.code)


async def test_right_code_forgets_the_wrong_ones_of_its_address(services: Services) -> None:
    for _ in range(3):
        flow = Flow(services)
        code = (await flow.asked()).code
        for _ in range(FREE - 1):
            assert not await flow.shows(wrong(code))
        assert await flow.shows(code)


@pytest.mark.both_databases
async def test_of_one_code_shown_twice_at_once_one_counts(services: Services) -> None:
    flow = Flow(services)
    code = (await flow.asked()).code

    told = await asyncio.gather(*(flow.shows(code) for _ in range(4)), return_exceptions=True)

    assert sorted(verdict for verdict in told if isinstance(verdict, bool)) == [False] * (len(told) - 1) + [True]


@pytest.mark.both_databases
async def test_wrong_codes_at_once_all_count(services: Services) -> None:
    flow = Flow(services)
    code = (await flow.asked()).code

    told = await asyncio.gather(*(flow.shows(wrong(code)) for _ in range(FREE)), return_exceptions=True)

    assert told == [False] * FREE
    async with services.platform.database.read() as tx:
        row = await tx.scalar(select(EmailCode))
        failures = (await tx.scalars(select(GuessCounter.failures))).all()
    assert row is not None
    assert row.tries == FREE
    assert list(failures) == [FREE, FREE]  # of the address of the mailbox, and of where the codes came from


async def test_database_has_neither_the_code_nor_what_gives_it_away(services: Services) -> None:
    flow = Flow(services)
    mail = await flow.asked()

    async with services.platform.database.read() as tx:
        row = await tx.scalar(select(EmailCode))
    assert row is not None
    kept = [str(getattr(row, column.key)) for column in EmailCode.__table__.columns]
    assert not [value for value in kept if mail.code in value]
    assert CodeMacs(services.settings.keys).of(mail.code, flow.bound_to) == row.code_mac


async def test_digest_of_another_place_is_none_of_this_one(services: Services) -> None:
    flow, other = Flow(services), Flow(services, "b" * 64)
    code = (await flow.asked()).code
    await other.ask()
    async with services.platform.database.begin() as tx:
        row = await tx.scalar(select(EmailCode).where(EmailCode.bound_to == flow.bound_to))
        assert row is not None
        await tx.execute(update(EmailCode).values(code_mac=row.code_mac))

    assert not await other.shows(code)


def test_code_made_before_the_secret_was_replaced_still_fits() -> None:
    code, place = new_code(), "place"
    kept = CodeMacs(SecretKeys("the former one")).of(code, place)

    assert CodeMacs(SecretKeys("the new one", "the former one")).fits(code, kept, place)
    assert not CodeMacs(SecretKeys("the new one")).fits(code, kept, place)
    assert not CodeMacs(SecretKeys("the former one")).fits(code + "0", kept, place)
