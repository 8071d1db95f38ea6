"""`gatepost migrate`."""

import asyncio
from typing import Annotated

import typer

from gatepost.cli.running import explained, require_terminal, tell_misspelt
from gatepost.composition.platform import make_engine
from gatepost.core.crypto.secrets import prepare_data_folder
from gatepost.core.db.migrations import migrate as bring_to
from gatepost.core.db.revisions import current_revision
from gatepost.core.settings import Settings, load_settings


def migrate(
    revision: Annotated[
        str, typer.Argument(help="`head` (newest), `base` (no tables left), or a revision such as 0005.")
    ] = "head",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before `base`.")] = False,
) -> None:
    """Migrate the database schema to the newest version, or back to an earlier one."""
    settings = load_settings()
    tell_misspelt()
    if revision == "base" and not yes:
        require_terminal("say --yes")
        typer.confirm("Delete every table, all accounts among them?", abort=True)
    with explained(settings):
        before, after = asyncio.run(_migrate(settings, revision))
    print(f"{before or 'empty'} -> {after or 'empty'}" if before != after else f"already at {after or 'empty'}")


async def _migrate(settings: Settings, revision: str) -> tuple[str | None, str | None]:
    if settings.uses_sqlite:
        prepare_data_folder(settings.data_dir)
    engine = make_engine(settings)
    try:
        before = await current_revision(engine)
        await bring_to(engine, revision)
        return before, await current_revision(engine)
    finally:
        await engine.dispose()
