"""`gatepost audit`."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from gatepost.audit.verify import ChainCheck, Head, Tally
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
) -> None:
    """Check that no entry was changed, inserted or removed; tell each harm in one line, and fail where there is one."""
    try:
        expected = [Head.read(head) for head in expect]
    except ValueError as error:
        refuse(str(error))
    harms, tally = asyncio.run(_verify(expected))
    since = f", the oldest since {tally.unsealed_since}" if tally.unsealed else ""
    print(f"{tally.entries} entries under {tally.seals} seals, {tally.unsealed} not sealed yet{since}")
    if tally.purged:
        print(f"{tally.purged} purged by retention")
    print(f"head {tally.head or 'none'}")
    print("whole" if harms == 0 else f"harmed: {harms} findings")
    if harms:
        raise typer.Exit(HARMED)


async def _verify(expected: Sequence[Head]) -> tuple[int, Tally]:
    harms = 0
    async with running_services() as services:
        check = ChainCheck(services.database, services.settings.keys)
        async for line in check.findings(expected):
            print(line)
            harms += 1
    return harms, check.tally
