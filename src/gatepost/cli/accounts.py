"""`gatepost create-admin`."""

import asyncio
from collections.abc import Callable
from typing import Annotated

import typer

from gatepost.access.principal import RoleName
from gatepost.accounts.models import User
from gatepost.accounts.names import Name, parse_email, parse_username
from gatepost.accounts.service import NewAccount
from gatepost.cli.running import read_line, refuse, require_terminal, running_services


def _username(text: str) -> Name:
    return _read(parse_username, text)


def _email(text: str) -> Name:
    return _read(parse_email, text)


def create_admin(
    username: Annotated[Name, typer.Option(help="User name of the account.", parser=_username)],
    email: Annotated[Name, typer.Option(help="E-mail address of the account.", parser=_email)],
    password_stdin: Annotated[bool, typer.Option(help="Read the password from standard input.")] = False,
) -> None:
    """Make an account with the roles user and admin; the password is asked for without echo."""
    if password_stdin:
        password = read_line()
    else:
        require_terminal("give the password with --password-stdin")
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    user = asyncio.run(_create(NewAccount(username, email, password, is_proved=True)))
    print(f"administrator {user.username} has the id {user.id}")


async def _create(account: NewAccount) -> User:
    async with running_services() as services:
        return await services.accounts.create(account, roles=[RoleName.USER, RoleName.ADMIN])


def _read(parse: Callable[[str], Name], text: str) -> Name:
    try:
        return parse(text)
    except ValueError as error:
        refuse(str(error))
