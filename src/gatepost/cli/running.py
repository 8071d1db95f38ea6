"""Shared by all commands: an up-to-date database, and the services that use it."""

import io
import os
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import NoReturn

import typer
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from gatepost.composition.platform import make_engine
from gatepost.composition.services import Services, build_services
from gatepost.core.crypto.secrets import prepare_data_folder
from gatepost.core.db.causes import cause_of
from gatepost.core.db.database import DatabaseUnavailable
from gatepost.core.db.migrations import migrate
from gatepost.core.db.revisions import current_revision, newest_revision, require_current_schema
from gatepost.core.settings import Settings, load_settings
from gatepost.core.settings.env_file import Misspelt, misspelt_names
from gatepost.identity.providers.reading import is_provider_variable

REFUSED = 2
ENV_FILE = Path(".env")
TOO_LATE = "it did not answer in DB_TIMEOUT_SECONDS"


class DatabaseUnusable(Exception):
    """The database cannot be used. The message says why and what to do."""


def refuse(reason: str) -> NoReturn:
    """End a command that cannot be done as requested, with one line."""
    print(f"gatepost: {reason}", file=sys.stderr)
    raise typer.Exit(REFUSED)


@contextmanager
def explained(settings: Settings) -> Iterator[None]:
    """Explain database failures of a command by their cause.

    Raises:
        DatabaseUnusable: the database failed.
    """
    try:
        yield
    except (SQLAlchemyError, DatabaseUnavailable) as error:
        url = settings.sqlalchemy_url
        cause = error.__cause__ if isinstance(error, DatabaseUnavailable) and error.__cause__ is not None else error
        said = TOO_LATE if isinstance(cause, TimeoutError | PoolTimeoutError) else cause_of(cause, url)
        raise DatabaseUnusable(f"the {url.get_backend_name()} database cannot be used: {said}") from error


def tell_misspelt() -> None:
    """Print misspelt names of settings in `.env` and the environment to the standard error."""
    near, _ = misspelt()
    for one in near:
        print(f"gatepost: {one}", file=sys.stderr)


def misspelt() -> tuple[list[Misspelt], list[str]]:
    """Return misspelt names of settings, and the other unknown names in `.env`."""
    known = {name.upper() for name in Settings.model_fields}
    near, others = misspelt_names(known, env_file=ENV_FILE, environment=os.environ)
    return (
        [one for one in near if not is_provider_variable(one.name)],
        [name for name in others if not is_provider_variable(name)],
    )


def read_line() -> str:
    """Read a line from the standard input, such as a password. It is UTF-8 in every locale."""
    if isinstance(sys.stdin, io.TextIOWrapper):
        sys.stdin.reconfigure(encoding="utf-8", errors="strict")
    try:
        return sys.stdin.readline().rstrip("\r\n")
    except UnicodeDecodeError:
        refuse("the standard input is not UTF-8")


def require_terminal(instead: str) -> None:
    """Continue only if there is a terminal; `instead` says what to do without one.

    Raises:
        typer.Exit: there is no terminal.
    """
    if not sys.stdin.isatty():
        refuse(f"there is no terminal for questions: {instead}")


async def bring_up_to_date(settings: Settings) -> None:
    """Migrate an SQLite database to the newest schema. With MySQL, the operator decides when to migrate.

    Raises:
        MigrationError: the MySQL database has another schema. The message names the command to run.
    """
    engine = make_engine(settings)
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
    """Run the services for a command, on an up-to-date database."""
    settings = settings or load_settings()
    with explained(settings):
        await bring_up_to_date(settings)
        services = build_services(settings)
        try:
            await services.start()
            yield services
        finally:
            await services.stop()
