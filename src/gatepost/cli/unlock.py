"""`gatepost unlock`."""

import asyncio
from typing import Annotated

import typer

from gatepost.cli.running import refuse, running_services


def unlock(
    name: Annotated[list[str] | None, typer.Option(help="User name or e-mail address; can be repeated.")] = None,
    address: Annotated[list[str] | None, typer.Option(help="Address of a client; can be repeated.")] = None,
) -> None:
    """Let those guess again at once who wait after too many wrong passwords."""

    async def work() -> int:
        async with running_services() as services:
            return await services.admin.unlocker.run(names=name or [], addresses=address or [])

    if not name and not address:
        refuse("give --name or --address")
    print(f"{asyncio.run(work())} were waiting or had guessed wrong")
