"""`gatepost doctor`: finds what is unsafe or broken in this configuration."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from dataclasses import asdict, dataclass
from datetime import UTC
from enum import StrEnum
from ipaddress import ip_network
from urllib.parse import urlsplit

import typer
from sqlalchemy import URL, func, select

from gatepost.cli.mail import broken_templates
from gatepost.cli.output import Json, print_json
from gatepost.cli.providers import check_all
from gatepost.cli.running import ENV_FILE, DatabaseUnusable, explained, misspelt
from gatepost.composition.services import Services, build_services
from gatepost.core.clock import Clock
from gatepost.core.db.database import Database
from gatepost.core.db.revisions import MigrationError, require_current_schema
from gatepost.core.db.tls import DatabaseTls, mode_of
from gatepost.core.origins import PORTS
from gatepost.core.settings import Settings, SettingsError, load_settings
from gatepost.core.settings.checks import WEAK_ROUNDS, weakness
from gatepost.core.settings.mail import MailScheme, parse_mail_url
from gatepost.core.settings.types import ANY_ORIGIN
from gatepost.identity.accounts.guards import has_administrator
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.credentials.passkeys.relying_party import UnfitRelyingParty, configured
from gatepost.identity.credentials.passkeys.repository import Passkeys
from gatepost.identity.factors.models import Passkey
from gatepost.identity.keys.errors import SigningKeyError
from gatepost.identity.providers.reading import read_providers
from gatepost.mail.errors import MailNotSent
from gatepost.mail.smtp import SmtpTransport
from gatepost.mail.transports import transport_of

LOOPBACK = ("127.0.0.1", "localhost", "::1")
# A network that only contains proxies is small: at most a /24, or a /64 for IPv6.
MOST_TRUSTED = {4: 2**8, 6: 2**64}
MOST_APART_SECONDS = 5
MAIL_SECONDS = 10


class Severity(StrEnum):
    """The severity of a finding."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of one check."""

    severity: Severity
    text: str


def doctor(as_json: Json = False) -> None:
    """Check settings, mail server, database, keys and providers. The exit code is 1 if something does not work."""
    try:
        settings = load_settings()
        read_providers(settings)
    except SettingsError as error:
        findings = [Finding(Severity.FAILURE, str(complaint)) for complaint in error.complaints]
    else:
        findings = [*_of_settings(settings), *asyncio.run(_of_others(settings))]
    findings[1:1] = _of_names()
    if as_json:
        print_json([asdict(finding) for finding in findings])
    else:
        for finding in findings:
            print(f"{finding.severity:8} {finding.text}")
    if any(finding.severity is Severity.FAILURE for finding in findings):
        raise typer.Exit(1)


def _of_names() -> Iterator[Finding]:
    """Report unknown names. Names in `.env` that resemble no setting may be for other programs."""
    near, others = misspelt()
    for one in near:
        yield Finding(Severity.WARNING, str(one))
    if others:
        yield Finding(Severity.OK, f"names in {ENV_FILE} that are not settings and have no effect: {', '.join(others)}")


def _of_settings(settings: Settings) -> Iterator[Finding]:
    yield Finding(Severity.OK, f"settings are complete for {settings.environment.value}")
    if not settings.cors_origins:
        yield Finding(Severity.OK, "CORS_ORIGINS is empty: pages from other origins may not call the API")
    if not settings.in_production and parse_mail_url(settings.mail_url.get_secret_value()).scheme is MailScheme.CONSOLE:
        yield Finding(
            Severity.OK, "MAIL_URL is console: mails, with links that give access to accounts, are printed to the log"
        )
    for problem in broken_templates(settings):
        yield Finding(Severity.FAILURE, f"a mail cannot be rendered: {problem}")
    yield from _of_passkeys(settings)
    for problem in (*_unsafe(settings), *_unsafe_elsewhere(settings)):
        yield Finding(Severity.WARNING, problem)


def _of_passkeys(settings: Settings) -> Iterator[Finding]:
    """Report settings with which browsers refuse passkeys."""
    is_wanted = settings.passkey_rp_id is not None or bool(settings.passkey_origins)
    try:
        rp = configured(settings)
    except UnfitRelyingParty as error:
        severity = Severity.FAILURE if is_wanted else Severity.WARNING
        yield Finding(severity, f"passkeys are not available: {error}")
    else:
        yield Finding(Severity.OK, f"passkeys are for {rp.id}")


def _unsafe(settings: Settings) -> Iterator[str]:
    if settings.in_production and not settings.public_url.startswith("https://"):
        yield "PUBLIC_URL is not https, as HTTP_IN_PRODUCTION allows: passwords and tokens are sent unencrypted"
    if not settings.in_production and settings.host not in LOOPBACK:
        yield f"HOST {settings.host} is open to the network in development: set ENVIRONMENT=production"
    if (
        not settings.in_production
        and settings.secret_key
        and (weak := weakness(settings.secret_key.get_secret_value()))
    ):
        yield f"SECRET_KEY would be refused in production: {weak}"
    if ANY_ORIGIN in settings.cors_origins:
        yield "CORS_ORIGINS is `*`: every web site may call the API; list the origins of your apps instead"
    yield from _open_to_listeners(settings.sqlalchemy_url)
    if settings.uses_sqlite and settings.workers > 1:
        yield "WORKERS is above 1 with SQLite: writers must wait for each other; use MySQL"
    if settings.bcrypt_rounds < WEAK_ROUNDS:
        yield f"BCRYPT_ROUNDS is below {WEAK_ROUNDS}: stolen password hashes can be cracked quickly"
    if not settings.in_production and (port := _other_port(settings)) is not None:
        yield (
            f"PUBLIC_URL is {settings.public_url}, and PORT is {settings.port}: links in mails lead to port {port}; "
            "unless that port is forwarded to this service, remove PUBLIC_URL or PORT"
        )
    if settings.secret_key_previous is not None:
        yield "SECRET_KEY_PREVIOUS is set: remove it when all sessions from before have been refreshed or have ended"


def _other_port(settings: Settings) -> int | None:
    """Return the port of a PUBLIC_URL on this machine, if the service listens on another port."""
    public = urlsplit(settings.public_url)
    port = public.port or PORTS[public.scheme]
    return port if public.hostname in LOOPBACK and port != settings.port != 0 else None


def _unsafe_elsewhere(settings: Settings) -> Iterator[str]:
    """Yield what is unsafe about the database, the proxies and the mail server."""
    url = settings.sqlalchemy_url
    if settings.in_production and not settings.uses_sqlite and (url.username == "root" or not url.password):
        yield "the database user is root, or has no password: create a user with access to this database only"
    for proxy in map(ip_network, settings.trusted_proxies):
        if proxy.num_addresses > MOST_TRUSTED[proxy.version]:
            yield f"TRUSTED_PROXIES has {proxy}: every host in it can forge client addresses; list only your proxies"
    mail_url = parse_mail_url(settings.mail_url.get_secret_value())
    if settings.in_production and mail_url.scheme in (MailScheme.CONSOLE, MailScheme.FILE):
        yield f"MAIL_URL is {mail_url.scheme.value}: mails, with links that give access to accounts, reach nobody; use smtp://"
    if mail_url.is_plain_to_elsewhere:
        yield "MAIL_URL has starttls=no: mails with links that give access to accounts are sent unencrypted"


def _open_to_listeners(database: URL) -> Iterator[str]:
    if database.host is None or database.host in LOOPBACK:
        return
    match mode_of(database):
        case DatabaseTls.OFF:
            yield "the connection to the database is not encrypted: set DB_TLS=verify"
        case DatabaseTls.REQUIRED:
            yield "the certificate of the database is not verified: set DB_TLS=verify"


async def _of_providers(settings: Settings) -> list[Finding]:
    return [
        Finding(Severity.FAILURE, f"nobody can sign in by {name}: {problem}")
        if problem
        else Finding(Severity.OK, f"people can sign in by {name}: {found}")
        for name, found, problem in await check_all(settings)
    ]


async def _of_others(settings: Settings) -> list[Finding]:
    return [*await _of_mail(settings), *await _of_services(settings), *await _of_providers(settings)]


async def _of_mail(settings: Settings) -> list[Finding]:
    transport = transport_of(settings)
    if not isinstance(transport, SmtpTransport):
        return []
    try:
        async with asyncio.timeout(MAIL_SECONDS):
            await transport.check()
    except TimeoutError:
        return [Finding(Severity.FAILURE, "mail cannot be sent: the server does not answer in time")]
    except MailNotSent as error:
        return [Finding(Severity.FAILURE, f"mail cannot be sent: {error}")]
    return [Finding(Severity.OK, "the mail server accepts the connection")]


async def _of_services(settings: Settings) -> list[Finding]:
    services = build_services(settings)
    findings: list[Finding] = []
    try:
        with explained(settings):
            async for finding in _of_database(services):
                findings.append(finding)
    except DatabaseUnusable as error:
        findings.append(Finding(Severity.FAILURE, str(error)))
    finally:
        await services.stop()
    return findings


async def _of_database(services: Services) -> AsyncIterator[Finding]:
    """Run the checks in order, up to the first failure that keeps the service from starting."""
    backend = services.settings.sqlalchemy_url.get_backend_name()
    try:
        await require_current_schema(services.platform.database.engine)
        yield Finding(Severity.OK, f"the {backend} database has the newest schema")
        await services.start()
    except (MigrationError, SigningKeyError) as error:
        yield Finding(Severity.FAILURE, str(error))
        return
    yield Finding(Severity.OK, f"tokens are signed with {services.identity.keys.signing.algorithm}")
    async for finding in clocks(services.platform.database, services.platform.clock):
        yield finding
    async for finding in passkeys_of_other_domains(services):
        yield finding
    async with services.platform.database.read() as tx:
        has_admin = await has_administrator(tx, policy=AccountPolicy.of(services.settings))
    if has_admin:
        yield Finding(Severity.OK, "there is an administrator")
    else:
        yield Finding(Severity.WARNING, "there is no administrator: run gatepost create-admin")
    seals = await services.identity.seal_survey.run()
    if seals.closed:
        yield Finding(
            Severity.FAILURE,
            f"{seals.closed} of {seals.tried} secrets of second factors cannot be opened: set SECRET_KEY_PREVIOUS to "
            f"the SECRET_KEY of that time, or run gatepost factors reset for each, such as '#{seals.example}'",
        )


async def passkeys_of_other_domains(services: Services) -> AsyncIterator[Finding]:
    """Report passkeys that were created for another domain, which browsers no longer offer."""
    rp = services.identity.passkeys.relying_party
    async with services.platform.database.read() as tx:
        others = await Passkeys(tx).count(*([Passkey.rp_id != rp.id] if rp is not None else []))
    if others:
        yield Finding(
            Severity.WARNING,
            f"passkeys that were made for another domain, and that nobody can use here: {others}; set PASSKEY_RP_ID to "
            "that domain",
        )


async def clocks(database: Database, clock: Clock) -> AsyncIterator[Finding]:
    """Compare the clock of this machine with that of the database server."""
    if database.engine.dialect.name == "sqlite":
        return
    before = clock.now()
    async with database.read() as tx:
        theirs = (await tx.scalars(select(func.utc_timestamp(6)))).one().replace(tzinfo=UTC)
    # The database read its clock about halfway between.
    ours = before + (clock.now() - before) / 2
    apart = (ours - theirs).total_seconds()
    if abs(apart) > MOST_APART_SECONDS:
        yield Finding(
            Severity.WARNING,
            f"the clock here is {abs(apart):.0f} s {'ahead of' if apart > 0 else 'behind'} the database's: sessions "
            "and links may end too early or too late. Synchronise both clocks with NTP",
        )
