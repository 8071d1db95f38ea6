"""`gatepost mail`."""

import asyncio
from collections.abc import Iterator, Sequence
from email.message import EmailMessage
from itertools import product
from pathlib import Path
from typing import Annotated

import typer

from gatepost.cli.output import Json, Table, print_json
from gatepost.cli.running import refuse, running_services
from gatepost.composition.mail import build_messages, build_templates
from gatepost.core.clock import SystemClock
from gatepost.core.ids import LARGEST_ID
from gatepost.core.settings import Settings, load_settings
from gatepost.mail.errors import MailNotSent, TemplateBroken
from gatepost.mail.examples import TEST_MAIL, example
from gatepost.mail.models import OutboxMail
from gatepost.mail.outbox import MailKind
from gatepost.mail.prepared import PreparedMail
from gatepost.mail.transports import transport_of
from gatepost.mail.worker import SEND_SECONDS

app = typer.Typer(no_args_is_help=True, help="Retry failed mails, preview mails, and test the mail settings.")

LINE = "-" * 78


@app.command()
def failed(as_json: Json = False) -> None:
    """List the mails that were given up, with the reason."""

    async def work() -> Sequence[OutboxMail]:
        async with running_services() as services:
            return await services.flows.outbox.failed()

    mails = asyncio.run(work())
    if as_json:
        print_json([
            {
                "id": mail.id, "kind": mail.kind, "email": mail.address, "createdAt": mail.created_at,
                "failedAt": mail.failed_at, "attempts": mail.attempts, "reason": mail.last_error,
            }
            for mail in mails
        ])  # fmt: skip
        return
    table = Table("ID", "GIVEN UP", "KIND", "ADDRESS", "TRIES", "REASON")
    for mail in mails:
        table.add(mail.id, mail.failed_at, mail.kind, mail.address, mail.attempts, mail.last_error)
    table.end()


@app.command()
def retry(
    mail_id: Annotated[
        int | None, typer.Argument(metavar="ID", min=1, max=LARGEST_ID, help="From `gatepost mail failed`.")
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All mails that were given up.")] = False,
) -> None:
    """Try again to send a mail that was given up. The running service sends it within seconds."""
    if (mail_id is None) != everything:
        refuse("give the id of a mail, or --all")

    async def work() -> int:
        async with running_services() as services:
            return await services.flows.outbox.retry(mail_id)

    count = asyncio.run(work())
    if mail_id is not None and count == 0:
        refuse(f"no mail {mail_id} was given up; see gatepost mail failed")
    print(f"{count} queued again")


@app.command()
def preview(
    kind: Annotated[MailKind | None, typer.Argument(help="Kind of mail. Default: all.")] = None,
    language: Annotated[str | None, typer.Option(help="Such as `de`. Default: DEFAULT_LANGUAGE.")] = None,
    folder: Annotated[
        Path | None, typer.Option(help="Write .txt, .html and .eml files to this folder instead.")
    ] = None,
) -> None:
    """Show mails with sample data, rendered with MAIL_TEMPLATES."""
    settings = load_settings()
    languages = sorted(build_templates(settings).languages())
    if language is not None and language.partition("-")[0].lower() not in languages:
        refuse(f"there are no mails in {language}; there are in {', '.join(languages)}")
    for shown, message in _previews(settings, [kind] if kind else list(MailKind), language):
        if folder is None:
            print(f"{LINE}\n{shown.value}: {message['Subject']}\n{LINE}\n{_part(message, 'plain')}")
        else:
            _write(folder, shown, message)
    if folder is not None:
        print(f"written to {folder}")


@app.command("send-test")
def send_test(address: Annotated[str, typer.Argument(help="Recipient.")]) -> None:
    """Send a test mail directly, without the outbox, to check MAIL_URL and MAIL_FROM."""
    asyncio.run(_send_test(load_settings(), address))
    print("sent")


def broken_templates(settings: Settings) -> Iterator[str]:
    """Yield the problem of every mail that cannot be rendered, for each language and kind."""
    languages = build_templates(settings).languages()
    for language, kind in product(languages, MailKind):
        try:
            list(_previews(settings, [kind], language))
        except TemplateBroken as error:
            yield f"{language}: {error}"


async def _send_test(settings: Settings, address: str) -> None:
    prepared = PreparedMail(address, settings.default_language, TEST_MAIL, {})
    message = build_messages(settings, SystemClock()).compose(prepared)
    transport = transport_of(settings)
    try:
        async with asyncio.timeout(SEND_SECONDS):
            await transport.send(message)
    except TimeoutError as error:
        raise MailNotSent("the server does not answer in time") from error


def _previews(
    settings: Settings, kinds: Sequence[MailKind], language: str | None
) -> Iterator[tuple[MailKind, EmailMessage]]:
    clock = SystemClock()
    messages = build_messages(settings, clock)
    for kind in kinds:
        mail = example(kind, language=language or settings.default_language, public_url=settings.base_url, clock=clock)
        yield kind, messages.compose(mail)


def _write(folder: Path, kind: MailKind, message: EmailMessage) -> None:
    below = folder / str(message["Content-Language"])
    below.mkdir(parents=True, exist_ok=True)
    (below / f"{kind.value}.eml").write_bytes(message.as_bytes())
    (below / f"{kind.value}.txt").write_text(_part(message, "plain"), encoding="utf-8")
    if html := _part(message, "html"):
        (below / f"{kind.value}.html").write_text(html, encoding="utf-8")


def _part(message: EmailMessage, kind: str) -> str:
    body = message.get_body((kind,))
    return str(body.get_content()) if body is not None else ""
