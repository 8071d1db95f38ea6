"""`gatepost create-admin`."""

import asyncio
from collections.abc import Callable
from functools import partial
from typing import Annotated, TypeVar

import typer

from gatepost.cli.running import read_line, refuse, require_terminal, running_services
from gatepost.core.settings import Settings, load_settings
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.names import Name, parse_email, parse_wanted_name, settle_name
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.registration.service import NewAccount

Given = TypeVar("Given", str, Name)


def _username(text: str) -> Name:
    return _read(parse_wanted_name, text)


def _email(text: str) -> Name:
    return _read(parse_email, text)


def create_admin(
    username: Annotated[Name, typer.Option(metavar="NAME", help="User name of the account.", parser=_username)],
    email: Annotated[Name, typer.Option(metavar="ADDRESS", help="E-mail address of the account.", parser=_email)],
    password_stdin: Annotated[
        bool, typer.Option("--password-stdin", help="Read the password from standard input.")
    ] = False,
) -> None:
    """Create an account with the roles user and admin. The password is requested without echo."""
    username = _read(partial(settle_name, email=email), username)
    settings = load_settings()  # first, so that problems are reported before a password is typed
    if password_stdin:
        password = read_line()
    else:
        require_terminal("use --password-stdin")
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    user = asyncio.run(_create(NewAccount(username, email, password, is_verified=True), settings))
    print(f"administrator {user.username} has the id {user.id}")


async def _create(account: NewAccount, settings: Settings) -> User:
    async with running_services(settings) as services:
        return await services.identity.accounts.create(account, roles=[RoleName.USER, RoleName.ADMIN])


def _read(parse: Callable[[Given], Name], given: Given) -> Name:
    try:
        return parse(given)
    except ValueError as error:
        refuse(str(error))
