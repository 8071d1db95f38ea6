"""How commands find an account, and how they name it."""

import re
from typing import Annotated

import typer

from gatepost.cli.running import running_services
from gatepost.composition.services import Services
from gatepost.core.ids import LARGEST_ID
from gatepost.core.plain_text import one_line
from gatepost.identity.accounts.errors import UserNotFound
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import canonical_identifier
from gatepost.identity.accounts.repository import Users

NUMBER = re.compile(r"#([1-9][0-9]{0,18})", re.ASCII)

Account = Annotated[str, typer.Argument(metavar="ACCOUNT", help="User name, e-mail address, or '#' with the id.")]


def called(user: User) -> str:
    """Return how an account is named in the output."""
    return f"#{user.id} {one_line(user.username)}"


async def find_alone(account: str) -> User:
    """Return an account, for a command that asks before it does anything; see `find`."""
    async with running_services() as services:
        return await find(services, account)


async def find(services: Services, name: str) -> User:
    """Return an account by user name, address, or `#` with the id.

    Raises:
        UserNotFound: there is none.
    """
    number = NUMBER.fullmatch(name.strip())
    async with services.platform.database.read() as tx:
        users = Users(tx)
        if number is not None:
            user = await users.get(int(number[1])) if int(number[1]) <= LARGEST_ID else None
        else:
            match canonical_identifier(name):
                case ("email", canonical):
                    user = await users.by_email(canonical)
                case ("username", canonical):
                    user = await users.by_username(canonical)
                case _:
                    user = None
    if user is None:
        hint = f"; to use an id, write '#{name}'" if NUMBER.fullmatch(f"#{name}") else ""
        raise UserNotFound(f"there is no account {one_line(name)}{hint}")
    return user
