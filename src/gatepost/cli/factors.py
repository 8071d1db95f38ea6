"""`gatepost factors`: second factors of people who have lost them."""

import asyncio
from collections.abc import Sequence
from typing import Annotated

import typer

from gatepost.admin.accounts.preconditions import IfMatch, Shell
from gatepost.cli.finding import Account, called, find
from gatepost.cli.running import require_terminal, running_services
from gatepost.identity.accounts.models import User
from gatepost.identity.external.repository import Identities
from gatepost.identity.factors.enrolment import usable_methods
from gatepost.identity.factors.errors import NoSecondFactor
from gatepost.identity.factors.methods import Method

app = typer.Typer(no_args_is_help=True)

NAMES = {
    Method.PASSKEY: "the passkeys",
    Method.TOTP: "the authenticator app",
    Method.RECOVERY_CODE: "the recovery codes",
    Method.PROVIDER: "the links with other providers",
}


@app.callback()
def _group() -> None:
    """Manage second factors."""


@app.command()
def reset(account: Account, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Remove all second factors and linked accounts of an account, and end its sessions. The owner gets a mail."""
    if not yes:
        require_terminal("say --yes")
        user, methods = asyncio.run(_look(account))
        typer.confirm(f"Remove {_listed(methods)} of {called(user)} and end every session?", abort=True)
        # By id and version, as it was shown: the name may belong to somebody else by now.
        account, if_match = f"#{user.id}", IfMatch(version=user.version)
    else:
        if_match = IfMatch()
    user, removed = asyncio.run(_reset(account, if_match))
    print(f"{called(user)}: removed {_listed(removed)}; every session has ended")
    if not user.has_password:
        print('the account has no password: its owner has to choose one, with "forgot password" on the sign-in page')


async def _look(account: str) -> tuple[User, Sequence[Method]]:
    async with running_services() as services:
        user = await find(services, account)
        async with services.platform.database.read() as tx:
            methods = await usable_methods(tx, user.id)
            methods += [Method.PROVIDER] if await Identities(tx).of(user.id) else []
    if not methods:
        raise NoSecondFactor(f"{called(user)} has no second factor")
    return user, methods


async def _reset(account: str, if_match: IfMatch) -> tuple[User, Sequence[Method]]:
    async with running_services() as services:
        user = await find(services, account)
        try:
            removed = await services.admin.factor_reset.reset(user.id, if_match=if_match, by=Shell())
        except NoSecondFactor as error:
            raise NoSecondFactor(f"{called(user)} has no second factor") from error
    return user, removed


def _listed(methods: Sequence[Method]) -> str:
    names = [NAMES[method] for method in methods]
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)
