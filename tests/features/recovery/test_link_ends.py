"""A link belongs to the account as it was when its mail was asked for: every mail, after everything that ends links."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import URL

from gatepost.composition.services import Services
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.names import Name, parse_email
from gatepost.identity.accounts.repository import Users
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.credentials.email_codes.method import CodePurpose
from gatepost.identity.links.mails import LINK_OF, Fate, LinkEnd, fate, fates, notify
from gatepost.identity.links.tokens import OneTimeTokens, Purpose
from gatepost.mail.outbox import MailKind
from tests.conftest import MakeServices
from tests.features.admin.conftest import give
from tests.features.recovery.conftest import unattended
from tests.support.api import PASSWORD, Api, Person
from tests.support.clock import FakeClock
from tests.support.links import Mail, take_link, take_mails

USES = {
    Purpose.VERIFY_EMAIL: "/api/auth/email/verify",
    Purpose.CHANGE_EMAIL: "/api/auth/email/verify",
    Purpose.SET_PASSWORD: "/api/auth/password/reset",
    Purpose.COMPROMISE_REPORT: "/api/auth/not-me",
}
OTHER_DEVICE = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"}
USED = {
    LinkEnd.PASSWORD_RESET: Purpose.SET_PASSWORD,
    LinkEnd.NOT_ME: Purpose.COMPROMISE_REPORT,
    LinkEnd.ADDRESS_CHANGED: Purpose.CHANGE_EMAIL,
}
Act = tuple[str, str, object]
# What an administrator does to the account of this name.
ACTS: dict[LinkEnd, Callable[[str], list[Act]]] = {
    LinkEnd.DISABLED: lambda _: [("POST", "/disable", None)],
    LinkEnd.ENABLED: lambda _: [("POST", "/disable", None), ("POST", "/enable", None)],
    LinkEnd.ADDRESS_REPLACED: lambda name: [("PATCH", "", {"email": f"{name}.replaced@example.com"})],
    LinkEnd.NAME_REPLACED: lambda name: [("PATCH", "", {"username": f"{name} renamed"})],
    LinkEnd.PROOF_SET: lambda name: [("PATCH", "", {"emailVerified": name != "old"})],
    LinkEnd.ROLES_CHANGED: lambda _: [("PUT", "/roles", {"roles": ["user", "moderator"]})],
    LinkEnd.SIGNED_OUT: lambda _: [("POST", "/signout", None)],
}
# By the owner of the account, who is signed in.
BY_OWNER = (LinkEnd.PASSWORD_CHANGED, LinkEnd.DELETION_PLANNED, LinkEnd.SIGNED_OUT_EVERYWHERE)
# Who was to choose a first password gets a new link after these.
SENT_ANEW = (LinkEnd.NAME_REPLACED, LinkEnd.PROOF_SET, LinkEnd.ROLES_CHANGED, LinkEnd.SIGNED_OUT)
# They tell of what has happened, and nothing of it is needed here.
OF_FACTORS = (
    MailKind.SECOND_FACTOR_ADDED, MailKind.SECOND_FACTOR_REMOVED, MailKind.RECOVERY_CODE_USED,
    MailKind.RECOVERY_CODES_REPLACED, MailKind.CODES_GUESSED, MailKind.PASSKEY_ADDED, MailKind.PASSKEY_REMOVED,
    MailKind.PASSKEY_COPIED, MailKind.PASSWORD_REMOVED, MailKind.FACTORS_RESET, MailKind.IDENTITY_LINKED,
    MailKind.IDENTITY_UNLINKED,
)  # fmt: skip
CLAIMS = (*OF_FACTORS, MailKind.PASSWORD_CHANGED, MailKind.NEW_DEVICE, MailKind.EMAIL_CHANGED)
GUEST = {"username": "guest", "email": "guest@example.com", "password": PASSWORD}


class Moment(StrEnum):
    """Where a mail is when the links of its account end."""

    QUEUED = "queued"
    SENT = "sent"
    TRIED = "tried"
    PUT_BACK = "put back"


@pytest.fixture
def database_url(sqlite_url: URL) -> URL:
    """Return one database; `test_thief_waits_for_a_mail_server_that_defers` is on both."""
    return sqlite_url


@dataclass
class World:
    """Accounts for which every kind of mail with a link has been asked for."""

    api: Api
    services: Services
    admin: Person
    people: dict[str, Person] = field(default_factory=dict)
    ids: dict[str, int] = field(default_factory=dict)
    addresses: dict[str, str] = field(default_factory=dict)
    asked: dict[MailKind, tuple[str, str]] = field(default_factory=dict)
    """Whose it is, and where it goes."""

    async def do(self, method: str, path: str, *, by: Person | None = None, **options: Any) -> None:
        """Call the API, and see it succeed."""
        headers = {**(by.headers if by else {}), **options.pop("headers", {})}
        answer = await self.api.client.request(method, path, headers=headers, **options)
        assert answer.is_success, (path, answer.text)

    async def act(self, name: str, path: str, *, method: str = "POST", **options: Any) -> None:
        """Let the administrator do something to somebody."""
        await self.do(method, f"/api/admin/users/{self.ids[name]}{path}", by=self.admin, **options)

    async def link(self, name: str, purpose: Purpose, to: str) -> str:
        """Return the token of a link that was asked for last."""
        async with self.services.platform.database.begin() as tx:
            tokens, now = OneTimeTokens(tx), self.services.platform.clock.now()
            email = parse_email(to)
            token_id = await tokens.ask(
                purpose, user_id=self.ids[name], email_canonical=email.canonical, now=now, data={"email": email.display}
            )
            renewed = await tokens.renew(token_id, now=now, life=timedelta(hours=1))
            assert renewed is not None
            return renewed[0]

    async def follow(self, kind: MailKind, token: str) -> int:
        """Use the link of a mail, and return the status of the answer."""
        if kind is MailKind.INVITATION:
            return (await self.api.post("/api/auth/signup", json={**GUEST, "invitation": token})).status_code
        return await self.use(LINK_OF[kind], token)

    async def use(self, purpose: Purpose, token: str) -> int:
        """Use a link, and return the status of the answer."""
        body = {"token": token} | ({"password": "another horse"} if purpose is Purpose.SET_PASSWORD else {})
        answer = await self.api.post(USES[purpose], json=body)
        if answer.json().get("code") == "proof_required":
            answer = await self.api.post(USES[purpose], json={**body, "password": PASSWORD})
        return answer.status_code


async def make_world(api: Api, services: Services) -> World:
    root = await api.sign_up("Root")
    await give(services.platform.database, root.id, [RoleName.ADMIN])
    world = World(api, services, await api.sign_in("Root"))
    for name in ("old", "new"):
        person = world.people[name] = await api.sign_up(name)
        world.ids[name], world.addresses[name] = person.id, person.email
    await give(services.platform.database, world.ids["old"], [RoleName.ADMIN])
    world.people["old"] = await api.sign_in("old")
    change = {"email": "moved@example.com", "currentPassword": PASSWORD}
    await world.do("POST", "/api/auth/email/change", by=world.people["old"], json=change)
    token = await take_link(services, "confirm_new_email")
    await world.do("POST", "/api/auth/email/verify", by=world.people["old"], json={"token": token})
    return world


async def ask_for_all(world: World, clock: FakeClock) -> None:
    """Ask for mails of every kind with a link: those that have waited since `make_world`, and more."""
    old, new = world.people["old"], world.people["new"]
    world.asked = {MailKind.EMAIL_CHANGED: ("old", old.email), MailKind.VERIFY_EMAIL: ("new", new.email)}
    clock.advance(minutes=2)
    await world.services.identity.revocations.poll()
    await world.do("POST", "/api/auth/email/resend", json={"email": new.email})
    world.addresses["old"] = here = "moved@example.com"
    body = {"currentPassword": PASSWORD, "newPassword": PASSWORD}
    await world.do("POST", "/api/auth/password/change", by=old, json=body)
    world.asked[MailKind.PASSWORD_CHANGED] = ("old", here)
    sign_in = {"username": old.username, "password": PASSWORD}
    await world.do("POST", "/api/auth/signin", json=sign_in, headers=OTHER_DEVICE)
    world.asked[MailKind.NEW_DEVICE] = ("old", here)
    await world.do("POST", "/api/auth/password/forgot", json={"email": here})
    world.asked[MailKind.RESET_PASSWORD] = ("old", here)
    async with world.services.platform.database.begin() as tx:
        user = await Users(tx).get(old.id)
        assert user is not None
        for kind in OF_FACTORS:
            await notify(tx, kind, user, at=clock.now(), data={"left": 3, "name": "Phone"})
            world.asked[kind] = ("old", here)
    there = {"email": "third@example.com", "currentPassword": PASSWORD}
    await world.do("POST", "/api/auth/email/change", by=old, json=there)
    world.asked[MailKind.CONFIRM_NEW_EMAIL] = ("old", there["email"])
    await world.do("POST", "/api/admin/invitations", by=old, json={"email": GUEST["email"], "roles": []})
    world.asked[MailKind.INVITATION] = ("old", GUEST["email"])
    made = await world.api.post(
        "/api/admin/users", json={"username": "first", "email": "first@example.com"}, headers=world.admin.headers
    )
    world.ids["first"], world.addresses["first"] = made.json()["id"], "first@example.com"
    world.asked[MailKind.SET_PASSWORD] = ("first", "first@example.com")
    assert world.asked.keys() == LINK_OF.keys() | {MailKind.INVITATION}


async def end(world: World, name: str, after: LinkEnd) -> None:
    """Let it happen to an account."""
    if after in USED:
        email = f"{name}.moved.on@example.com" if after is LinkEnd.ADDRESS_CHANGED else world.addresses[name]
        assert await world.use(USED[after], await world.link(name, USED[after], email)) == 200
    elif after is LinkEnd.PASSWORD_CHANGED:
        body = {"currentPassword": PASSWORD, "newPassword": "another horse"}
        await world.do("POST", "/api/auth/password/change", by=world.people[name], json=body)
    elif after is LinkEnd.SIGNED_OUT_EVERYWHERE:
        await world.do("POST", "/api/auth/signout-others", by=world.people[name])
    elif after is LinkEnd.DELETION_PLANNED:
        await world.do("DELETE", "/api/users/me", by=world.people[name], json={"password": PASSWORD})
    else:
        for method, path, wish in ACTS[after](name):
            await world.act(name, path, method=method, json=wish)


async def try_in_vain(services: Services) -> None:
    """Let a mail server refuse what is due."""
    folder = services.settings.data_dir / "mail"
    blocked = folder.rename(folder.with_name("mail.blocked")) if folder.exists() else None
    folder.touch()
    await services.flows.outbox.run_once()
    folder.unlink()
    if blocked is not None:
        blocked.rename(folder)


async def come(world: World, moment: Moment, clock: FakeClock) -> None:
    """Bring the mails that were asked for to this point."""
    if moment in (Moment.TRIED, Moment.PUT_BACK):
        await try_in_vain(world.services)
    counts = await world.services.flows.outbox.counts()
    waiting = (counts.pending, counts.failed)
    assert (sum(waiting) > 0, waiting[1] > 0) == (moment is not Moment.SENT, moment is Moment.PUT_BACK)


def links_of(mails: list[Mail], kind: MailKind, address: str) -> list[str]:
    return [mail.tokens[0] for mail in mails if (mail.kind, mail.address) == (kind, address) and mail.tokens]


async def assert_fared(world: World, kind: MailKind, after: LinkEnd, sent: list[Mail], later: list[Mail]) -> None:
    """See that a mail and its link fared as the table says; `later` are the mails that were sent after it."""
    _, address = world.asked[kind]
    before, links = links_of(sent, kind, address), links_of(later, kind, address)
    expected = fate(kind, after)
    if expected is not Fate.VOID:
        assert any((mail.kind, mail.address) == (kind, address) for mail in sent + later), kind
    if expected is Fate.GOOD:
        assert await world.follow(kind, (before + links)[0]) in (200, 201), kind
        return
    is_anew = (kind is MailKind.RESET_PASSWORD and after is LinkEnd.NOT_ME) or (
        kind is MailKind.SET_PASSWORD and after in SENT_ANEW
    )
    assert len(links) == is_anew, kind
    for token in before:
        assert await world.follow(kind, token) == 400, kind


@pytest.mark.parametrize("moment", Moment)
@pytest.mark.parametrize("after", LinkEnd)
async def test_every_mail_after_everything_that_ends_links(
    make_services: MakeServices, clock: FakeClock, after: LinkEnd, moment: Moment
) -> None:
    services = make_services(mail_attempts=1 if moment is Moment.PUT_BACK else 12, mailbox_rate="100/hour")
    async with unattended(services) as api:
        world = await make_world(api, services)
        await ask_for_all(world, clock)
        sent = await take_mails(services) if moment is Moment.SENT else []
        await come(world, moment, clock)
        for name in world.ids:
            if name != "first" or after not in BY_OWNER:
                await end(world, name, after)
        await services.flows.outbox.retry()
        clock.advance(minutes=1)
        await services.identity.revocations.poll()
        later = await take_mails(services)

        kinds = [kind for kind in world.asked if kind is not MailKind.SET_PASSWORD or after not in BY_OWNER]
        # Claims end invitations; and the claims of the address of now first: that of the former one moves the account.
        for kind in sorted(kinds, key=lambda kind: CLAIMS.index(kind) if kind in CLAIMS else -1):
            await assert_fared(world, kind, after, sent, later)
        if after is LinkEnd.DISABLED:
            for name in world.ids:
                await world.act(name, "/enable")
            for kind in kinds:
                await assert_fared(world, kind, after, sent, later)


CODES = {
    MailKind.SIGN_IN_CODE: CodePurpose.SIGN_IN,
    MailKind.CONFIRMATION_CODE: CodePurpose.REAUTHENTICATE,
    MailKind.ADDRESS_CODE: CodePurpose.PROVE_ADDRESS,
}


@pytest.mark.parametrize("moment", [Moment.QUEUED, Moment.SENT])
@pytest.mark.parametrize("after", LinkEnd)
async def test_every_mail_with_a_code_after_everything_that_ends_links(
    make_services: MakeServices, clock: FakeClock, after: LinkEnd, moment: Moment
) -> None:
    services = make_services(mailbox_rate="100/hour")
    codes, info, database = services.identity.email_codes, RequestInfo(), services.platform.database
    async with unattended(services) as api:
        world = await make_world(api, services)
        await take_mails(services)
        async with database.begin() as tx:
            user = await Users(tx).get(world.ids["new"])
            assert user is not None
            email = Name(user.email, user.email_canonical)
            for kind, purpose in CODES.items():
                whose = None if kind is MailKind.ADDRESS_CODE else user
                await codes.ask(tx, purpose, email, bound_to=kind, info=info, user=whose)
        before = await take_mails(services) if moment is Moment.SENT else []

        await end(world, "new", after)

        mails = {mail.kind: mail for mail in [*before, *await take_mails(services)]}
        for kind, purpose in CODES.items():
            code = mails[kind].code if kind in mails else "none"
            async with database.begin() as tx:
                proved = await codes.check(tx, purpose, code, bound_to=kind, email=email, info=info)
            assert (proved is not None) == (fate(kind, after) is Fate.GOOD), kind


def test_documents_have_the_table_of_the_code() -> None:
    document = (Path(__file__).parents[3] / "docs" / "mail.md").read_text(encoding="utf-8")

    assert fates() in document, fates()
