"""A client that writes while harm is done, and keeps a ledger of what the service has acknowledged."""

import asyncio
import itertools
from collections import Counter
from dataclasses import dataclass, field

import httpx
from sqlalchemy import select
from sqlalchemy.orm import selectinload

from gatepost.core.crypto.passwords import Passwords
from gatepost.core.db.database import Database
from gatepost.identity.accounts.models import User
from gatepost.identity.sessions.models import Session
from tests.support.api import PASSWORD, bearer
from tests.support.workers import session_id

PAUSE_SECONDS = 0.02


@dataclass
class Entry:
    """What is known of one account: what it may be now, given the answers."""

    passwords: set[str]
    roles: set[tuple[str, ...]]
    ended: list[int] = field(default_factory=list)


class Ledger:
    """Signs people up, changes passwords and roles, signs out, and remembers each acknowledged change.

    A change without an answer, or with a 503, may have been made or not: both are then right. Each refusal must be a
    503 with `Retry-After`; a connection that breaks is allowed where the harm is done to the service itself.
    """

    def __init__(self, client: httpx.AsyncClient, *, admin_token: str, name: str, breaks: bool = False) -> None:
        self._client = client
        self._admin = bearer(admin_token)
        self._name = name
        self._breaks = breaks
        self._numbers = itertools.count()
        self.entries: dict[str, Entry] = {}
        self.answers: Counter[str] = Counter()

    async def write_until(self, done: asyncio.Event, *, clients: int = 4) -> None:
        """Write with so many clients at once until the event is set."""

        async def write() -> None:
            while not done.is_set():
                await self._life()
                await asyncio.sleep(PAUSE_SECONDS)

        await asyncio.gather(*(write() for _ in range(clients)))

    async def check(self, database: Database) -> None:
        """Compare the ledger with the database: nothing that was acknowledged is missing."""
        assert self.answers["acknowledged"], self.answers
        passwords = Passwords(rounds=4, queue=len(self.entries))
        async with database.read() as tx:
            found = (await tx.scalars(select(User).options(selectinload(User.roles)))).all()
            ended = {row.id: row.ended_at for row in await tx.scalars(select(Session))}
        users = {user.username: user for user in found}
        for name, entry in self.entries.items():
            assert name in users, f"{name} was acknowledged and is not there"
            verdicts = [await passwords.verify(text, users[name].password_hash) for text in entry.passwords]
            assert any(verdict.is_right for verdict in verdicts), f"the password of {name} is another"
            assert users[name].role_names in entry.roles
            assert all(ended[session] is not None for session in entry.ended), f"a session of {name} goes on"
        passwords.close()

    async def _life(self) -> None:
        name = f"{self._name} {next(self._numbers)}"
        person = {"username": name, "email": f"{name.replace(' ', '.')}@example.com", "password": PASSWORD}
        created = await self._send("POST", "/api/auth/signup", json=person)
        if created is None:
            return
        entry = self.entries[name] = Entry({PASSWORD}, {("user",)})
        token, user_id = created.json()["accessToken"], created.json()["id"]
        new = {"currentPassword": PASSWORD, "newPassword": f"{PASSWORD} 2"}
        entry.passwords.add(new["newPassword"])
        if await self._send("POST", "/api/auth/password/change", json=new, headers=bearer(token)):
            entry.passwords.discard(PASSWORD)
        wanted = ("user", "moderator")
        entry.roles.add(wanted)
        url = f"/api/admin/users/{user_id}/roles"
        if await self._send("PUT", url, json={"roles": list(wanted)}, headers=self._admin):
            entry.roles.discard(("user",))
        if await self._send("POST", "/api/auth/signout", json={"refreshToken": created.json()["refreshToken"]}):
            entry.ended.append(session_id(token))

    async def _send(
        self, method: str, url: str, *, json: object, headers: dict[str, str] | None = None
    ) -> httpx.Response | None:
        """Return the answer that acknowledges, or None."""
        try:
            answer = await self._client.request(method, url, json=json, headers=headers)
        except httpx.TransportError as error:
            is_broken = self._breaks and not isinstance(error, httpx.TimeoutException)
            assert is_broken, f"{method} {url}: no answer"
            self.answers["broken"] += 1
            return None
        if answer.is_success:
            self.answers["acknowledged"] += 1
            return answer
        assert answer.status_code == 503, f"{url}: {answer.status_code} {answer.text}"
        assert int(answer.headers["retry-after"]) >= 1
        self.answers["refused"] += 1
        return None
