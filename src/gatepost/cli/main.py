"""`gatepost`: all commands, and the place where a failure becomes an error message and an exit code."""

import sys
from typing import Annotated

import typer

from gatepost import __version__
from gatepost.cli import (
    accounts,
    audit,
    clients,
    database,
    doctor,
    factors,
    info,
    keys,
    mail,
    providers,
    purge,
    restoring,
    server,
    transfer,
    unlock,
    users,
)
from gatepost.cli.output import people_out
from gatepost.cli.running import DatabaseUnusable
from gatepost.core.db.revisions import MigrationError
from gatepost.core.errors import AppError
from gatepost.core.settings import SettingsError
from gatepost.identity.keys.errors import SigningKeyError
from gatepost.mail.errors import MailError

FAILED = 1
REFUSED_SETTINGS = 2

app = typer.Typer(
    name="gatepost",
    help="Authentication and authorization for browser and mobile apps.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)
for command in (
    server.serve, database.migrate, accounts.create_admin, doctor.doctor, transfer.export, purge.purge, unlock.unlock,
    restoring.after_restore, info.openapi, info.settings,
):  # fmt: skip
    app.command()(command)
app.add_typer(users.app, name="users")
app.add_typer(factors.app, name="factors")
app.add_typer(keys.app, name="keys")
app.add_typer(clients.app, name="clients")
app.add_typer(providers.app, name="providers")
app.add_typer(mail.app, name="mail")
app.add_typer(audit.app, name="audit")
app.add_typer(transfer.app, name="import")


def _print_version(wanted: bool) -> None:
    if wanted:
        print(f"gatepost {__version__}")
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """Authentication and authorization for browser and mobile apps."""


def run() -> None:
    """Run a command. A failure is reported in one line, or one line per setting."""
    people_out()
    try:
        app()
    except SettingsError as error:
        _complain("invalid settings:", *(f"  {complaint}" for complaint in error.complaints))
        sys.exit(REFUSED_SETTINGS)
    except AppError as error:
        # Some messages of the API come from the service that it replaces: `Failed! Role does not exist = nope`.
        _complain(str(error).removeprefix("Failed! ").replace(" = ", ": ").rstrip("!"))
        sys.exit(FAILED)
    except (DatabaseUnusable, MigrationError, SigningKeyError, MailError) as error:
        _complain(str(error))
        sys.exit(FAILED)
    except OSError as error:
        file = f"{error.filename} cannot be used: " if error.filename else ""
        _complain(f"{file}{error.strerror or error}")
        sys.exit(FAILED)


def _complain(first: str, *more: str) -> None:
    print("\n".join([f"gatepost: {first}", *more]), file=sys.stderr)
