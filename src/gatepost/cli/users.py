"""`gatepost users`: manage accounts from a shell, with the rules of the administration."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Annotated, Any

import typer

from gatepost.admin.accounts.lifecycle import AccountLifecycle
from gatepost.admin.accounts.preconditions import IfMatch, Shell
from gatepost.admin.accounts.schemas import UserResponse
from gatepost.admin.accounts.search import FactorFilter, Filter, Search, Sort, Status
from gatepost.admin.invitations.schemas import InvitationResponse
from gatepost.admin.invitations.service import Sent
from gatepost.cli.finding import Account, called, find, find_alone
from gatepost.cli.output import Json, Table, print_json, print_json_line
from gatepost.cli.running import refuse, require_terminal, running_services
from gatepost.composition.services import Services
from gatepost.core.plain_text import one_line
from gatepost.identity.accounts.guards import first_administrator
from gatepost.identity.accounts.names import Name, parse_email
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.accounts.roles import RoleName
from gatepost.identity.invitations.models import Invitation
from gatepost.mail.languages import SUPPORTED

app = typer.Typer(no_args_is_help=True, help="Manage accounts.")

PAGE = 500
COLUMNS = ("id", "username", "email", "roles", "status", "email_verified", "created_at")
FIELDS = ", ".join(sort for sort in Sort if not sort.is_down)
ANY_STATE = IfMatch()
# A method of AccountLifecycle.
Act = Callable[..., Awaitable[object]]

OfFactor = Annotated[
    FactorFilter | None, typer.Option(help="Only accounts with a second factor, with none, or with one of a kind.")
]
After = Annotated[
    str | None, typer.Option(metavar="CURSOR", help="Continue after this cursor, printed by an earlier call.")
]
RoleNames = Annotated[list[str], typer.Argument(metavar="ROLE...", help="All roles of the account, including `user`.")]
SearchText = Annotated[
    str | None,
    typer.Option(help="Words from the user name or the address, or their beginnings; a domain; or '#' with the id."),
]
Order = Annotated[Sort, typer.Option(metavar="FIELD", help=f"{FIELDS}; a leading `-` sorts in descending order.")]


@app.command("list")
def list_users(
    search: SearchText = None,
    role: Annotated[str | None, typer.Option(help="Only accounts with this role.")] = None,
    status: Annotated[Status | None, typer.Option(help="Only accounts with this status.")] = None,
    factor: OfFactor = None,
    sort: Order = Sort.ID,
    limit: Annotated[int | None, typer.Option(min=1, help="Maximum number of accounts. Default: all.")] = None,
    after: After = None,
    as_json: Json = False,
) -> None:
    """List accounts. With --json, one per line, in the format of the API."""
    wanted = Filter(None if search is None else Search.of(search), role, status, factor)
    table = Table("ID", "USER NAME", "ADDRESS", "ROLES", "STATUS", "VERIFIED", "CREATED")

    def take(user: UserResponse) -> None:
        if as_json:
            print_json_line(user.model_dump(mode="json", by_alias=True))
        else:
            table.add(*(getattr(user, name) for name in COLUMNS))

    async def work() -> str | None:
        cursor, left = after, limit
        async with running_services() as services:
            while True:
                size = PAGE if left is None else min(PAGE, left)
                page = await services.admin.account_reader.page(wanted, sort, number=1, size=size, after=cursor)
                for found in page.items:
                    take(UserResponse.of(found))
                cursor = page.next_cursor
                left = None if left is None else left - len(page.items)
                if cursor is None or left == 0:
                    return cursor

    more = asyncio.run(work())
    if not as_json:
        table.end()
    if more is not None:
        print(f"there are more accounts; continue with --after {more}", file=sys.stderr)


@app.command()
def show(account: Account, as_json: Json = False) -> None:
    """Show one account."""

    async def work() -> UserResponse:
        async with running_services() as services:
            found = await find(services, account)
            return UserResponse.of(await services.admin.account_reader.get(found.id))

    user = asyncio.run(work())
    if as_json:
        print_json(user.model_dump(mode="json", by_alias=True))
        return
    table = Table("FIELD", "VALUE")
    for name, value in user.model_dump(by_alias=True).items():
        table.add(name, value)
    table.end()


@app.command()
def disable(account: Account) -> None:
    """Disable an account and end its sessions."""
    _act(account, AccountLifecycle.disable, "is disabled")


@app.command()
def enable(account: Account) -> None:
    """Enable a disabled account."""
    _act(account, AccountLifecycle.enable, "is enabled")


@app.command()
def roles(account: Account, names: RoleNames) -> None:
    """Replace the roles of an account."""
    wanted = list(dict.fromkeys(names))
    _act(account, partial(AccountLifecycle.set_roles, names=wanted), f"has the roles {one_line(', '.join(wanted))}")


@app.command("sign-out")
def sign_out(account: Account) -> None:
    """End every session of an account."""
    _act(account, AccountLifecycle.sign_out, "is signed out everywhere")


@app.command()
def delete(account: Account, yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False) -> None:
    """Delete an account immediately and permanently. The audit log keeps its id."""
    found = asyncio.run(find_alone(account))
    if not yes:
        require_terminal("say --yes")
        typer.confirm(f"Delete {called(found)} permanently?", abort=True)
    # By id and version, as it was shown: the name may belong to somebody else by now.
    _act(f"#{found.id}", AccountLifecycle.delete, "is deleted", if_match=IfMatch(version=found.version))


@app.command()
def invite(
    email: Annotated[str, typer.Argument(metavar="ADDRESS", help="Address of the person to invite.")],
    role: Annotated[list[str] | None, typer.Option(help="Role in addition to `user`. Can be repeated.")] = None,
    language: Annotated[str | None, typer.Option(help="Language of the mail: `en` or `de`.")] = None,
    inviter: Annotated[
        str | None, typer.Option(metavar="ACCOUNT", help="Inviting account. Default: the oldest administrator.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Send an invitation in the name of an administrator. It is limited to the roles that they may grant, and becomes
    invalid when their account is deleted."""
    if language is not None and language not in SUPPORTED:
        refuse(f"--language must be one of {', '.join(SUPPORTED)}")
    name = _address(email)

    async def work() -> Sent:
        async with running_services() as services:
            by = Shell(in_name_of=await _inviter(services, inviter))
            return await services.admin.invitations.invite(name, roles=role or [], language=language, by=by)

    sent = asyncio.run(work())
    if as_json:
        print_json({**_shown(sent.invitation), "replaced": sent.replaced and _shown(sent.replaced)})
        return
    print(f"{one_line(name.display)} is invited")
    if (earlier := sent.replaced) is not None:
        names = ", ".join([RoleName.USER, *earlier.role_names])
        what = f"of {earlier.created_at:%Y-%m-%d %H:%M} UTC, by {earlier.inviter.username}, with the roles {names}"
        print(one_line(f"the earlier invitation is no longer valid: {what}"))


def _shown(invitation: Invitation) -> dict[str, Any]:
    return InvitationResponse.of(invitation).model_dump(mode="json", by_alias=True)


async def _inviter(services: Services, name: str | None) -> int:
    if name is not None:
        return (await find(services, name)).id
    async with services.platform.database.read() as tx:
        first = await first_administrator(tx, policy=AccountPolicy.of(services.settings))
    if first is None:
        refuse("there is no administrator to invite people; create one with: gatepost create-admin")
    return first


def _act(account: str, act: Act, what: str, *, if_match: IfMatch = ANY_STATE) -> None:
    """Change an account and print the result."""

    async def work() -> str:
        async with running_services() as services:
            user = await find(services, account)
            await act(services.admin.account_lifecycle, user.id, if_match=if_match, by=Shell())
            return called(user)

    print(f"{asyncio.run(work())} {what}")


def _address(text: str) -> Name:
    try:
        return parse_email(text)
    except ValueError as error:
        refuse(str(error))
