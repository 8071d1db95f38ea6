"""`gatepost audit`."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Annotated

import typer

from gatepost.audit.verify import ChainCheck, Head, Tally
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
            metavar="HEAD",
            help="A head that an earlier call printed: it must still be there. May be given several times.",
        ),
    ],
    as_json: Json = False,
) -> None:
    """Check that no entry was changed, inserted or removed; tell each harm in one line, and fail where there is one."""
    try:
        expected = [Head.read(head) for head in expect]
    except ValueError as error:
        refuse(str(error))
    found: list[str] = []
    # A line as it is found: the walk may take long.
    harms, tally = asyncio.run(_verify(expected, tell=found.append if as_json else print))
    if as_json:
        print_json({
            "isWhole": harms == 0, "findings": found, "entries": tally.entries, "seals": tally.seals,
            "unsealed": tally.unsealed, "unsealedSince": tally.unsealed_since, "purged": tally.purged,
            "head": str(tally.head) if tally.head else None,
        })  # fmt: skip
    else:
        _tell(harms, tally)
    if harms:
        raise typer.Exit(HARMED)


def _tell(harms: int, tally: Tally) -> None:
    since = f", the oldest since {tally.unsealed_since}" if tally.unsealed else ""
    print(f"{tally.entries} entries under {tally.seals} seals, {tally.unsealed} not sealed yet{since}")
    if tally.purged:
        print(f"{tally.purged} purged by retention")
    print(f"head {tally.head or 'none'}")
    print("whole" if harms == 0 else f"harmed: {harms} findings")


async def _verify(expected: Sequence[Head], *, tell: Callable[[str], object]) -> tuple[int, Tally]:
    harms = 0
    async with running_services() as services:
        check = ChainCheck(services.platform.database, services.settings.keys)
        async for line in check.findings(expected):
            tell(line)
            harms += 1
    return harms, check.tally
