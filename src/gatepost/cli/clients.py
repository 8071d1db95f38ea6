"""`gatepost clients`."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from gatepost.cli.output import Json, Table, print_json
from gatepost.cli.running import running_services
from gatepost.flows.oauth.models import ResourceServer

app = typer.Typer(no_args_is_help=True, help="Services that introspect access tokens or follow the revocation feed.")

ClientId = Annotated[str, typer.Argument(help="Letters, digits and . _ -")]


@app.command()
def add(client_id: ClientId, name: Annotated[str, typer.Option(help="Display name.")] = "") -> None:
    """Register a service and print its secret. The secret is not shown again."""

    async def work() -> str:
        async with running_services() as services:
            return await services.flows.clients.add(client_id, name=name or client_id)

    print(f"client_id={client_id}\nclient_secret={asyncio.run(work())}")


@app.command("list")
def list_clients(as_json: Json = False) -> None:
    """List all registered services."""

    async def work() -> Sequence[ResourceServer]:
        async with running_services() as services:
            return await services.flows.clients.list()

    servers = asyncio.run(work())
    if as_json:
        print_json([
            {"clientId": server.client_id, "name": server.name, "createdAt": server.created_at} for server in servers
        ])  # fmt: skip
        return
    table = Table("CLIENT", "SINCE", "NAME")
    for server in servers:
        table.add(server.client_id, server.created_at, server.name)
    table.end()


@app.command()
def remove(client_id: ClientId) -> None:
    """Remove a service. Its secret stops working."""

    async def work() -> None:
        async with running_services() as services:
            await services.flows.clients.remove(client_id)

    asyncio.run(work())
    print(f"{client_id} is removed")
