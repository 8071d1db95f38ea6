"""`gatepost after-restore`."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer

from gatepost.cli.running import require_terminal, running_services
from gatepost.transfer.restoring import Restored

# More accounts than are made in the time that a restore loses, and little beside the numbers of 32 bits.
ACCOUNT_GAP = 100_000
MOST_ACCOUNT_GAP = 1_000_000_000

Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
Gap = Annotated[
    int,
    typer.Option(min=0, max=MOST_ACCOUNT_GAP, help="How far ahead of the copy's the numbers of new accounts begin."),
]


def after_restore(yes: Yes = False, account_gap: Gap = ACCOUNT_GAP) -> None:
    """End what an older copy of the database has brought back: sessions, tokens, links, mails that were sent."""
    if not yes:
        require_terminal("say --yes")
        copy_of = asyncio.run(_copy_of())
        print(
            f"The database is as it was {_when(copy_of)}. Everybody is signed out, on every device and at every other "
            "service; links and invitations are void; mails that wait are held."
        )
        typer.confirm("Go on?", abort=True)
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
    print(f"{done.sessions} sessions have ended")
    print(f"{done.links} links and invitations are void")
    print(f"{done.mails} mails are held; see gatepost mail failed, and gatepost mail retry for those that still matter")
    print(f"{done.deletions} accounts that are to be deleted are kept for DELETION_GRACE_DAYS from now")
    print(f"new accounts are counted from {done.new_accounts_from}")
    if done.has_new_key:
        print("a new key signs; access tokens of before are refused everywhere within five minutes")
    else:
        print(
            "access tokens of before are refused here; with HS256, set a new JWT_SECRET and restart, so that programs "
            "that know it refuse them too"
        )
    print("\nWhat the copy cannot know, and only you can mend:")
    print("- Accounts made since are gone. Accounts deleted since are back: delete them again.")
    print("- Names, passwords, addresses, roles and whether an account is disabled are as they were.")
    print(f"- Services that were removed since are trusted again. Trusted are: {', '.join(trusted) or 'none'}")
    print("- The audit log of that time is lost; gatepost audit verify misses seals that were noted elsewhere since.")


def _when(moment: datetime | None) -> str:
    return "before the first event of the audit log" if moment is None else f"at {moment:%Y-%m-%d %H:%M} UTC"
