"""`gatepost after-restore`."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from gatepost.cli.running import require_terminal, running_services
from gatepost.transfer.restoring import Restored

# More accounts than are created in the time that a restore loses, but few compared to the 32-bit ids.
ACCOUNT_GAP = 100_000
MOST_ACCOUNT_GAP = 1_000_000_000

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Gap = Annotated[
    int,
    typer.Option(
        min=0, max=MOST_ACCOUNT_GAP, help="Gap between the last account id of the copy and the first new one."
    ),
]


def after_restore(yes: Yes = False, account_gap: Gap = ACCOUNT_GAP) -> None:
    """Run this after you restore a database backup. It ends restored sessions, tokens and links, and holds pending
    mails.
    """
    if not yes:
        require_terminal("say --yes")
        copy_of = asyncio.run(_copy_of())
        print(
            f"The database is as it was {_when(copy_of)}. This signs out everybody on all devices and services, "
            "invalidates links, codes and invitations, and holds pending mails."
        )
        typer.confirm("Continue?", abort=True)
    done, trusted = asyncio.run(_run(account_gap))
    _tell(done, trusted)


async def _copy_of() -> datetime | None:
    async with running_services() as services:
        return await services.operations.restoring.newest_entry_at()


async def _run(account_gap: int) -> tuple[Restored, Sequence[str]]:
    async with running_services() as services:
        restoring = services.operations.restoring
        return await restoring.run(account_gap=account_gap), await restoring.resource_servers()


def _tell(done: Restored, trusted: Sequence[str]) -> None:
    print(f"{done.sessions} sessions were ended")
    print(f"{done.pending_sign_ins} sign-ins that waited for a second factor are void")
    print(f"{done.links} links, codes and invitations are no longer valid")
    print(
        f"{done.mails} mails are held; list them with gatepost mail failed, and send the ones you still need with "
        "gatepost mail retry"
    )
    print(f"{done.deletions} accounts with a pending deletion are kept for DELETION_GRACE_DAYS from now")
    print(f"new accounts get ids from {done.new_accounts_from}")
    if done.has_new_key:
        print("a new key signs; earlier access tokens are refused everywhere within five minutes")
    else:
        print(
            "earlier access tokens are refused here; with HS256, set a new JWT_SECRET and restart, so that other "
            "services refuse them too"
        )
    print(
        "\
The backup does not know what happened after it was made. Check the following:"
    )
    print("- Accounts created since then are missing. Accounts deleted since then are back: delete them again.")
    print("- Names, passwords, addresses, roles and disabled accounts are as they were in the backup.")
    print(
        "- Second factors are as they were in the backup: recovery codes that were used since then work again, and "
        "apps that were set up since then are missing."
    )
    print(
        f"- Services that were removed since then are trusted again. Trusted services: {', '.join(trusted) or 'none'}"
    )
    print("- The audit log since then is lost. gatepost audit verify --expect fails with heads printed since then.")


def _when(moment: datetime | None) -> str:
    return "before the first entry of the audit log" if moment is None else f"at {moment:%Y-%m-%d %H:%M} UTC"
