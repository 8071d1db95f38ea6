"""`gatepost keys`."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from gatepost.admin.keys.rotation import KeyStatus
from gatepost.admin.keys.schemas import KeysResponse
from gatepost.admin.keys.timeline import KeyLives
from gatepost.cli.output import Json, Table, print_json
from gatepost.cli.running import running_services

app = typer.Typer(no_args_is_help=True, help="The keys that sign access tokens: next, active, retiring, gone.")

Force = Annotated[bool, typer.Option("--force", help="Even if tokens that are out there stop working.")]


@app.command("list")
def list_keys(as_json: Json = False) -> None:
    """Show every key with its state and how many sessions hold a token that it signed."""

    async def work() -> tuple[Sequence[KeyStatus], KeyLives]:
        async with running_services() as services:
            return await services.admin.key_rotation.list(), await services.admin.key_history.read()

    stored, lives = asyncio.run(work())
    if as_json:
        print_json(KeysResponse.of(lives).model_dump(mode="json", by_alias=True))
        return
    if not lives.is_stored:
        print("HS256 signs with JWT_SECRET, which is in the settings; no key below is in use")
    table = Table("KEY", "ALGORITHM", "STATE", "MADE", "SESSIONS")
    for key in stored:
        table.add(key.kid, key.algorithm, key.state, key.created_at, key.live_sessions)
    table.end()


@app.command()
def rotate(force: Force = False) -> None:
    """Sign with the next key from now on; the old one goes on verifying."""

    async def work() -> str:
        async with running_services() as services:
            return await services.admin.key_rotation.rotate(force=force)

    print(f"{asyncio.run(work())} signs from now on")


# One name in 64 starts with a dash, and is no option.
@app.command(context_settings={"ignore_unknown_options": True})
def retire(
    kid: Annotated[str, typer.Argument(help="The key's name, from `gatepost keys list`.")], force: Force = False
) -> None:
    """Delete a retiring key; tokens that it signed are refused from then on."""

    async def work() -> None:
        async with running_services() as services:
            await services.admin.key_rotation.retire(kid, force=force)

    asyncio.run(work())
    print(f"{kid} is gone")
