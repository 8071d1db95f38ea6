"""How a failure is reported. Imported when a command fails: what the errors belong to takes long to load."""

import sys

from gatepost.cli.running import DatabaseUnusable
from gatepost.core.db.revisions import MigrationError
from gatepost.core.errors import AppError
from gatepost.core.settings import SettingsError
from gatepost.identity.keys.errors import SigningKeyError
from gatepost.mail.errors import MailError

FAILED = 1
REFUSED_SETTINGS = 2


def report(error: Exception) -> int | None:
    """Report a failure in one line, or in one line per setting. Return the exit code; None for a bug of ours."""
    match error:
        case SettingsError():
            _complain("invalid settings:", *(f"  {complaint}" for complaint in error.complaints))
            return REFUSED_SETTINGS
        case AppError():
            # The API has some of its words from the service that it replaces: `Failed! Role does not exist = nope`.
            _complain(str(error).removeprefix("Failed! ").replace(" = ", ": ").rstrip("!"))
        case DatabaseUnusable() | MigrationError() | SigningKeyError() | MailError():
            _complain(str(error))
        case OSError():
            file = f"{error.filename} cannot be used: " if error.filename else ""
            _complain(f"{file}{error.strerror or error}")
        case _:
            return None
    return FAILED


def _complain(first: str, *more: str) -> None:
    print("\n".join([f"gatepost: {first}", *more]), file=sys.stderr)
