"""`gatepost audit`."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from gatepost.audit.verify import ChainCheck, ChainReport, Head
from gatepost.cli.output import Json, print_json
from gatepost.cli.running import refuse, running_services

app = typer.Typer(no_args_is_help=True, help="The audit log and its hash chain.")

HARMED = 1


@app.callback()
def audit() -> None:
    """The audit log and its hash chain."""


@app.command()
def verify(
    expect: Annotated[
        list[str],
        typer.Option(
            default_factory=list,
            show_default=False,
            metavar="HEAD",
            help="Head printed by an earlier call, which must still be in the chain. Can be repeated.",
        ),
    ],
    as_json: Json = False,
) -> None:
    """Check that no entry was changed, inserted or removed. Prints each finding in one line; exits with 1 if there are
    any.
    """
    try:
        expected = [Head.read(head) for head in expect]
    except ValueError as error:
        refuse(str(error))
    found: list[str] = []
    # Prints each finding at once: the check may take long.
    harms, report = asyncio.run(_verify(expected, tell=found.append if as_json else print))
    if as_json:
        print_json({
            "isWhole": harms == 0, "findings": found, "entries": report.entries, "seals": report.seals,
            "unsealed": report.unsealed, "unsealedSince": report.unsealed_since, "purged": report.purged,
            "head": str(report.head) if report.head else None,
        })  # fmt: skip
    else:
        _tell(harms, report)
    if harms:
        raise typer.Exit(HARMED)


def _tell(harms: int, report: ChainReport) -> None:
    since = f", the oldest since {report.unsealed_since}" if report.unsealed else ""
    print(f"{report.entries} entries in {report.seals} seals, {report.unsealed} not sealed yet{since}")
    if report.purged:
        print(f"{report.purged} purged by retention")
    print(f"head {report.head or 'none'}")
    print("whole" if harms == 0 else f"harmed: {harms} findings")


async def _verify(expected: Sequence[Head], *, tell: Callable[[str], object]) -> tuple[int, ChainReport]:
    harms = 0
    async with running_services() as services:
        check = ChainCheck(services.platform.database, services.settings.keys)
        async for line in check.findings(expected):
            tell(line)
            harms += 1
    return harms, check.report
