"""`gatepost import` and `gatepost export`."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from contextlib import ExitStack
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn, TextIO

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from gatepost.cli.output import data_out
from gatepost.cli.running import read_line, refuse, running_services
from gatepost.composition.services import Services
from gatepost.core.plain_text import one_line
from gatepost.transfer.csv_file import CsvFile
from gatepost.transfer.exporting import Exporter
from gatepost.transfer.factor_store import FactorStore
from gatepost.transfer.files import STDIN, FileUnreadable, JsonLines
from gatepost.transfer.importing import Importer, Outcome, Source
from gatepost.transfer.records import Conflict
from gatepost.transfer.sequelize import SequelizeSource, SourceUnusable

app = typer.Typer(
    no_args_is_help=True, help="Import accounts. After an interruption, run the command again to continue."
)

# More would not be readable on a screen; the report has all of them.
MOST_SHOWN = 20
HAD_CONFLICTS = 1
FAILED = 1
ROTATION = (
    "REFRESH_TOKEN_ROTATION is on: clients that keep using their first refresh token are signed out at the second "
    "refresh. For such clients, set it to false. See docs/differences.md."
)

DryRun = Annotated[bool, typer.Option("--dry-run", help="Read and check everything, but write nothing.")]
Report = Annotated[Path | None, typer.Option(help="Write all conflicts to this file, as JSON lines.")]


def _file(text: str) -> Path:
    if text != STDIN and not Path(text).is_file():
        raise typer.BadParameter(f"the file {one_line(text)} does not exist")
    return Path(text)


FileName = Annotated[Path, typer.Argument(metavar="FILE", parser=_file, help="`-` reads the standard input.")]


class Format(StrEnum):
    """The format of an export."""

    JSONL = "jsonl"


@app.command()
def sequelize(
    url: Annotated[str, typer.Argument(metavar="DATABASE_URL", help="Such as mysql://user@host/name")],
    password_stdin: Annotated[
        bool,
        typer.Option(
            "--password-stdin",
            help="Read the database password from standard input. In DATABASE_URL, other users can see it.",
        ),
    ] = False,
    dry_run: DryRun = False,
    report: Report = None,
) -> None:
    """Import the accounts of the Node.js service from its MySQL database, which is not changed."""
    password = read_line() if password_stdin else None
    _import(lambda: SequelizeSource(url, password=password), dry_run=dry_run, report=report)


@app.command("csv")
def csv_file(file: FileName, dry_run: DryRun = False, report: Report = None) -> None:
    """Import accounts from a CSV file. The first line has the names of the columns."""
    _import(lambda: CsvFile(file), dry_run=dry_run, report=report)


@app.command()
def jsonl(file: FileName, dry_run: DryRun = False, report: Report = None) -> None:
    """Import accounts from JSON lines, such as an export."""
    _import(lambda: JsonLines(file), dry_run=dry_run, report=report)


def export(
    form: Annotated[Format, typer.Argument(metavar="jsonl", help="JSON lines.")],
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="New file. Default: standard output.")] = None,
    with_factors: Annotated[
        bool,
        typer.Option(
            "--with-factors", help="Include authenticator apps and recovery codes, DECRYPTED: anybody can use them."
        ),
    ] = False,
) -> None:
    """Export all accounts and roles, INCLUDING PASSWORD HASHES. Only the owner of the file can read it."""
    with ExitStack() as stack:
        is_piped = file is None or str(file) == STDIN
        out = data_out() if file is None or is_piped else stack.enter_context(_private(file))
        undo = stack.enter_context(ExitStack())
        if file is not None and not is_piped:
            undo.callback(file.unlink)  # a partial export looks like a complete one
        count, exporter = asyncio.run(_export(out, with_factors=with_factors))
        undo.pop_all()
    where = "standard output" if is_piped else str(file)
    what = "password hashes and the secrets of second factors" if with_factors else "password hashes"
    print(f"{count} accounts and roles written to {where}, including {what}: keep it safe", file=sys.stderr)
    if exporter.left_out:
        print(
            "authenticator apps and recovery codes are NOT included (accounts that have some: "
            f"{exporter.left_out}): elsewhere, those without a passkey sign in with the password alone. To include "
            "them: --with-factors",
            file=sys.stderr,
        )
    if exporter.unopened:
        _tell_unopened(exporter.unopened)


async def _export(out: TextIO, *, with_factors: bool) -> tuple[int, Exporter]:
    count = 0
    async with running_services() as services:
        database, clock = services.platform.database, services.platform.clock
        exporter = Exporter(database, clock, _factor_store(services), with_factors=with_factors)
        async for line in exporter.lines():
            out.write(line)
            count += 1
    return count, exporter


def _tell_unopened(user_ids: list[int]) -> NoReturn:
    shown = ", ".join(f"#{user_id}" for user_id in user_ids[:MOST_SHOWN])
    more = f" and {len(user_ids) - MOST_SHOWN} more" if len(user_ids) > MOST_SHOWN else ""
    print(
        f"gatepost: the second factors of these accounts are NOT included, because SECRET_KEY does not open them: "
        f"{shown}{more}; see gatepost doctor",
        file=sys.stderr,
    )
    raise typer.Exit(FAILED)


def _factor_store(services: Services) -> FactorStore:
    identity = services.identity
    return FactorStore(identity.passkeys, identity.totp, identity.recovery_codes)


def _import(make: Callable[[], Source], *, dry_run: bool, report: Path | None) -> None:
    shown: list[Conflict] = []
    with ExitStack() as stack:
        lines = stack.enter_context(report.open("w", encoding="utf-8", newline="\n")) if report else None

        def note(conflict: Conflict) -> None:
            if len(shown) < MOST_SHOWN:
                shown.append(conflict)
            if lines is not None:
                lines.write(json.dumps(conflict.as_json(), ensure_ascii=False) + "\n")

        try:
            outcome = asyncio.run(_run(make(), note=note, dry_run=dry_run))
        except (SourceUnusable, FileUnreadable) as error:
            refuse(str(error))
    _tell(outcome, shown, dry_run=dry_run, report=report)
    if outcome.conflicts:
        raise typer.Exit(HAD_CONFLICTS)


async def _run(source: Source, *, note: Callable[[Conflict], None], dry_run: bool) -> Outcome:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    async with running_services() as services:
        importer = Importer(
            services.platform.database,
            services.platform.clock,
            services.identity.revocations,
            _factor_store(services),
            default_language=services.settings.default_language,
        )
        screen = Console(stderr=True)
        with Progress(*columns, console=screen, disable=not screen.is_terminal) as progress:
            bars: dict[str, TaskID] = {}

            def tell(phase: str, done: int, total: int | None) -> None:
                if phase not in bars:
                    bars[phase] = progress.add_task(phase, total=total)
                progress.update(bars[phase], completed=done, total=total)

            outcome = await importer.run(source, tell=tell, note=note, dry_run=dry_run)
        if isinstance(source, SequelizeSource) and services.settings.refresh_token_rotation:
            outcome.advice = ROTATION
        return outcome


def _tell(outcome: Outcome, shown: list[Conflict], *, dry_run: bool, report: Path | None) -> None:
    for conflict in shown:
        print(one_line(f"{conflict.place}: {conflict.code}: {conflict.reason}"))
    if outcome.conflicts > len(shown):
        print(f"… and {outcome.conflicts - len(shown)} more; use --report FILE for all of them")
    would = "would be " if dry_run else ""
    if outcome.roles:
        print(f"roles {would}created, without permissions unless the source has some: {', '.join(outcome.roles)}")
    print(
        f"{outcome.read} accounts read, {outcome.imported} {would}imported "
        f"({outcome.without_password} without a password), {outcome.there_already} there already, "
        f"{outcome.conflicts} conflicts"
    )
    if outcome.with_factors:
        print(f"{outcome.with_factors} of them {would}imported with second factors")
    if outcome.passkeys_elsewhere:
        print(
            f"passkeys {would}imported that were made for another domain, and that nobody can use here: "
            f"{outcome.passkeys_elsewhere}; see gatepost doctor"
        )
    for kind, count in sorted(outcome.kinds.items()):
        print(f"{count} {kind.value}")
    for code, count in sorted(outcome.codes.items()):
        print(f"{count} {code}: left unchanged; see docs/transfer.md")
    if report:
        print(f"the conflicts were written to {report}")
    if outcome.advice:
        print(outcome.advice)


def _private(file: Path) -> TextIO:
    # Exclusive, since an existing file may be readable for others.
    return os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8", newline="\n")
