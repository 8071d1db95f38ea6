"""What the start page tells a developer whose service has no administrator yet."""

from typing import Annotated

from fastapi import Depends

from gatepost.core.db.database import Database, DatabaseUnavailable
from gatepost.core.program import first_administrator_command
from gatepost.core.settings import Settings
from gatepost.http.deps import provided
from gatepost.identity.accounts.guards import has_administrator
from gatepost.identity.accounts.policy import AccountPolicy


class FirstSteps:
    """How to create the first administrator."""

    def __init__(
        self,
        settings: Annotated[Settings, Depends(provided(Settings))],
        database: Annotated[Database, Depends(provided(Database))],
    ) -> None:
        self._settings = settings
        self._db = database

    async def command(self) -> str | None:
        """Return the command that creates the first administrator; None in production, or if there is one already."""
        if self._settings.in_production:
            return None
        try:
            async with self._db.read() as tx:
                has_one = await has_administrator(tx, policy=AccountPolicy.of(self._settings))
        except DatabaseUnavailable:  # the rest of the page needs no database
            return None
        return None if has_one else first_administrator_command()


FirstStepsDep = Annotated[FirstSteps, Depends(FirstSteps)]
