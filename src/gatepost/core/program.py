"""The command line that runs this program again."""

import shlex
import shutil
import sys
from pathlib import Path

NAME = "gatepost"


def first_administrator_command() -> str:
    """Return the command that creates the first administrator, to be run in the same folder."""
    return f"{_own_name()} create-admin --username admin --email you@example.com"


def _own_name() -> str:
    called, found = Path(sys.argv[0]), shutil.which(NAME)
    if called.name == "__main__.py" and called.parent.name == NAME:
        return f"{shlex.quote(sys.executable)} -m {NAME}"
    # Another server may run our app.
    is_ours = called.stem == NAME and called.is_file()
    is_on_path = found is not None and Path(found).resolve() == called.resolve()
    return shlex.quote(str(called)) if is_ours and not is_on_path else NAME
