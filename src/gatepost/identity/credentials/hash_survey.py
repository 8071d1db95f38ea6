"""Which kinds of password hashes accounts have: what a check must cost, so that its time tells nothing."""

from gatepost.core.crypto.passwords import Passwords
from gatepost.core.db.database import Database
from gatepost.identity.accounts.repository import Users

PAGE_ACCOUNTS = 20_000


class HashSurvey:
    """Tells the passwords of a process what hashes there are."""

    def __init__(self, database: Database, passwords: Passwords) -> None:
        self._db = database
        self._passwords = passwords

    async def run(self) -> None:
        """Look through all accounts, some thousands at a time.

        Raises:
            HashingBusy: too many people are signing in; what was known before is still.
        """
        examples: set[str] = set()
        last: int | None = 0
        while last is not None:
            async with self._db.read() as tx:
                found, last = await Users(tx).hash_examples(after=last, limit=PAGE_ACCOUNTS)
            examples.update(found)
        await self._passwords.expect(examples)
