"""What commands share: a database that is up to date, and the services on it."""

import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import NoReturn

import typer
from sqlalchemy.exc import SQLAlchemyError

from gatepost.core.database import create_engine
from gatepost.core.migrations import current_revision, migrate, newest_revision, require_current_schema
from gatepost.core.secrets import prepare_data_folder
from gatepost.core.settings import Settings, load_settings
from gatepost.services import Services, build_services

REFUSED = 2


def refuse(reason: str) -> NoReturn:
    """End a command that cannot be done as it was asked, with one line."""
    print(f"gatepost: {reason}", file=sys.stderr)
    raise typer.Exit(REFUSED)


def cause_of(error: SQLAlchemyError | OSError) -> str:
    """Say why a database or a file cannot be used, in one line: the texts can run over many, and hold SQL."""
    cause = getattr(error, "orig", None) or error
    return str(cause).partition("\n")[0]


async def bring_up_to_date(settings: Settings) -> None:
    """Bring an SQLite database to the newest schema; with MySQL that is an operator's decision.

    Raises:
        MigrationError: the MySQL database has another schema; the message names the command.
    """
    engine = create_engine(settings.sqlalchemy_url)
    try:
        if settings.uses_sqlite:
            prepare_data_folder(settings.data_dir)
            if await current_revision(engine) != newest_revision():
                await migrate(engine)
        else:
            await require_current_schema(engine)
    finally:
        await engine.dispose()


@asynccontextmanager
async def running_services(settings: Settings | None = None) -> AsyncIterator[Services]:
    """Give a command the services, as the settings have them, on a database that is up to date."""
    settings = settings or load_settings()
    await bring_up_to_date(settings)
    services = build_services(settings)
    try:
        await services.start()
        yield services
    finally:
        await services.stop()
