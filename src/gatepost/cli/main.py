"""`gatepost`: its options, and the place where a failure becomes an error message and an exit code."""

import importlib
import sys
from typing import Annotated

import typer

from gatepost import __version__
from gatepost.cli.commands import Commands
from gatepost.cli.output import people_out

app = typer.Typer(
    name="gatepost",
    cls=Commands,
    help="Authentication and authorization for browser and mobile apps.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
)


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
    except Exception as error:
        code = importlib.import_module("gatepost.cli.failures").report(error)
        if code is None:
            raise
        sys.exit(code)
