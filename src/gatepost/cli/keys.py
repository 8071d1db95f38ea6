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

app = typer.Typer(no_args_is_help=True, help="Manage the keys that sign access tokens.")

Force = Annotated[bool, typer.Option("--force", help="Do it even if tokens in use stop working.")]


@app.command("list")
def list_keys(as_json: Json = False) -> None:
    """List all keys with their state and the number of sessions with a token that they signed."""

    async def work() -> tuple[Sequence[KeyStatus], KeyLives]:
        async with running_services() as services:
            return await services.admin.key_rotation.list(), await services.admin.key_history.read()

    stored, lives = asyncio.run(work())
    if as_json:
        print_json(KeysResponse.of(lives).model_dump(mode="json", by_alias=True))
        return
    if not lives.is_stored:
        print("HS256 signs with the setting JWT_SECRET; none of the keys below is in use")
    table = Table("KEY", "ALGORITHM", "STATE", "CREATED", "SESSIONS")
    for key in stored:
        table.add(key.kid, key.algorithm, key.state, key.created_at, key.live_sessions)
    table.end()


@app.command()
def rotate(force: Force = False) -> None:
    """Sign with the next key from now on. Tokens of the old key stay valid."""

    async def work() -> str:
        async with running_services() as services:
            return await services.admin.key_rotation.rotate(force=force)

    print(f"{asyncio.run(work())} signs from now on")


# One key name in 64 starts with a dash, but is not an option.
@app.command(context_settings={"ignore_unknown_options": True})
def retire(
    kid: Annotated[str, typer.Argument(help="The key's name, from `gatepost keys list`.")], force: Force = False
) -> None:
    """Delete a retiring key. Tokens that it signed are refused from then on."""

    async def work() -> None:
        async with running_services() as services:
            await services.admin.key_rotation.retire(kid, force=force)

    asyncio.run(work())
    print(f"{kid} is deleted")
