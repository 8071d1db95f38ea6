"""`gatepost` commands in this process, on the settings of a test."""

import asyncio
import contextlib

from pydantic import SecretStr
from typer.testing import CliRunner, Result

from gatepost.cli.main import app
from gatepost.core.settings import Settings


async def run_command(settings: Settings, *arguments: str) -> Result:
    """Run a command; it reads the settings from its environment, and the clock of the machine."""
    return await asyncio.to_thread(_invoke, settings, arguments)


def _invoke(settings: Settings, arguments: tuple[str, ...]) -> Result:
    values = settings.model_dump(exclude_defaults=True)
    env = {name.upper(): _text(value) for name, value in values.items()}
    # A `.env` of whoever runs the tests is not for them.
    with contextlib.chdir(settings.data_dir):
        return CliRunner().invoke(app, arguments, env=env)


def _text(value: object) -> str:
    match value:
        case SecretStr():
            return value.get_secret_value()
        case tuple():
            return ",".join(value)
        case _:
            return str(value)
