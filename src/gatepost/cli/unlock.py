"""`gatepost unlock`."""

import asyncio
from ipaddress import ip_address
from typing import Annotated

import typer

from gatepost.cli.running import refuse, running_services
from gatepost.core.plain_text import one_line


def unlock(
    name: Annotated[list[str] | None, typer.Option(help="User name or e-mail address. Can be repeated.")] = None,
    address: Annotated[list[str] | None, typer.Option(help="IP address of a client. Can be repeated.")] = None,
) -> None:
    """Reset the counters of wrong passwords, so that people can try again at once."""

    async def work() -> int:
        async with running_services() as services:
            return await services.admin.unlocker.run(names=name or [], addresses=address or [])

    if not name and not address:
        refuse("give --name or --address")
    for one in address or []:
        if not _is_address(one):
            refuse(f"{one_line(one)} is not an IP address")
    print(f"{asyncio.run(work())} counters reset")


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
