"""The one composition root: every service of a process, built from the settings."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncEngine

from gatepost.admin.accounts.lifecycle import AccountStanding
from gatepost.admin.accounts.pages import AccountReader
from gatepost.admin.accounts.service import AccountEditor
from gatepost.admin.audit.reader import AuditReader
from gatepost.admin.invitations.service import InvitationService
from gatepost.admin.keys.rotation import KeyRotation
from gatepost.admin.keys.timeline import KeyHistory
from gatepost.admin.roles.service import RoleEditor
from gatepost.admin.statistics.counter import FigureCounter
from gatepost.admin.statistics.overview import OverviewReader
from gatepost.audit.repetitions import RepetitionPurge
from gatepost.audit.retention import AuditRetention
from gatepost.audit.sealer import AuditSealer
from gatepost.core.clock import Clock, SystemClock
from gatepost.core.crypto.passwords import Passwords
from gatepost.core.db.database import Database, create_engine
from gatepost.core.db.leases import Leases
from gatepost.core.db.purging import Purger, PurgeTask
from gatepost.core.request_metrics import Traffic
from gatepost.core.settings import Settings
from gatepost.core.settings.mail import read_sender
from gatepost.flows.oauth.introspection import TokenDesk
from gatepost.flows.oauth.service import ClientService
from gatepost.flows.recovery.addresses import AddressService
from gatepost.flows.recovery.mail_links import MailLinks
from gatepost.flows.recovery.not_me import NotMeService
from gatepost.flows.recovery.passwords import PasswordService
from gatepost.flows.signin.service import SignInService
from gatepost.flows.signup.service import SignUpService
from gatepost.identity.access.gate import Gate
from gatepost.identity.accounts.policy import AccountPolicy
from gatepost.identity.credentials.hash_survey import HashSurvey
from gatepost.identity.credentials.password_rules import PasswordRules
from gatepost.identity.keys.ring import KeyRing
from gatepost.identity.keys.vault import KeyVault
from gatepost.identity.links.purging import LinkPurge
from gatepost.identity.privacy.deletion import LeavingService
from gatepost.identity.registration.pending import PendingSignUps
from gatepost.identity.registration.service import AccountService
from gatepost.identity.sessions.activity import SessionActivity
from gatepost.identity.sessions.purging import SessionPurge
from gatepost.identity.sessions.revocation import RevocationFeed
from gatepost.identity.sessions.service import SessionService
from gatepost.identity.sessions.tokens import SessionRules, TokenService
from gatepost.identity.throttling.counters import GuessRules
from gatepost.identity.throttling.guesses import Guesses, GuessPurge, Unlocker
from gatepost.identity.throttling.mailboxes import Mailboxes
from gatepost.identity.throttling.rates import RateLimits
from gatepost.identity.tokens.access_tokens import AccessTokens
from gatepost.identity.tokens.refresh_tokens import RefreshTokens
from gatepost.identity.tokens.verifier import AccessTokenVerifier
from gatepost.mail.messages import Messages
from gatepost.mail.rendering import Templates
from gatepost.mail.transports import transport_of
from gatepost.mail.worker import OutboxWorker
from gatepost.operations.figures import Figures
from gatepost.operations.metrics_catalog import figures_of_process
from gatepost.operations.readiness import Readiness
from gatepost.transfer.restoring import Restoring


@dataclass(frozen=True, slots=True)
class Services:
    """What routes and commands work with; one instance a process."""

    settings: Settings
    clock: Clock
    database: Database
    passwords: Passwords
    hash_survey: HashSurvey
    keys: KeyRing
    revocations: RevocationFeed
    activity: SessionActivity
    gate: Gate
    tokens: TokenService
    sessions: SessionService
    accounts: AccountService
    sign_up: SignUpService
    sign_in: SignInService
    password_recovery: PasswordService
    addresses: AddressService
    not_me: NotMeService
    leaving: LeavingService
    invitations: InvitationService
    outbox: OutboxWorker
    account_reader: AccountReader
    account_editor: AccountEditor
    account_standing: AccountStanding
    role_editor: RoleEditor
    clients: ClientService
    token_desk: TokenDesk
    key_rotation: KeyRotation
    restoring: Restoring
    key_history: KeyHistory
    leases: Leases
    audit_reader: AuditReader
    audit_sealer: AuditSealer
    audit_retention: AuditRetention
    figure_counter: FigureCounter
    overview: OverviewReader
    unlocker: Unlocker
    rate_limits: RateLimits
    purger: Purger
    traffic: Traffic
    figures: Figures
    readiness: Readiness

    def by_class(self) -> dict[type[Any], Any]:
        """Return the services under their classes, for injection."""
        services = (getattr(self, item.name) for item in fields(self))
        return {type(service): service for service in services}

    async def start(self) -> None:
        """Load what is kept in memory: the keys and the revocation feed."""
        await self.keys.start()
        await self.revocations.poll()

    async def stop(self, *, within_seconds: float = 5.0) -> None:
        """Write what is still in memory, and let go of threads and connections."""
        with suppress(Exception):  # a database that is gone must not keep the process
            async with asyncio.timeout(within_seconds):
                await self.activity.write()
        self.passwords.close()
        await self.rate_limits.close()
        await self.database.dispose()


def build_services(settings: Settings, *, clock: Clock | None = None, engine: AsyncEngine | None = None) -> Services:
    """Build every service; nothing is connected or started yet."""
    clock = clock or SystemClock()
    database = Database(engine or make_engine(settings), timeout_seconds=settings.db_timeout_seconds)
    passwords = Passwords(
        rounds=settings.bcrypt_rounds,
        queue=settings.password_queue,
        queue_seconds=settings.password_queue_seconds,
    )
    keys = KeyRing(
        database,
        clock,
        KeyVault(settings.keys),
        algorithm=settings.jwt_algorithm,
        secret=settings.jwt_secret.get_secret_value() if settings.jwt_secret else None,
    )
    access = AccessTokens(
        keys,
        issuer=settings.public_url,
        audience=settings.jwt_audience,
        life=settings.access_token_life,
    )
    verifier = AccessTokenVerifier(
        lambda: keys.verifying, clock, issuer=settings.public_url, audience=settings.jwt_audience
    )
    refresh = RefreshTokens(settings.keys)
    feed = RevocationFeed(
        database,
        clock,
        access_token_life=settings.access_token_life,
        max_staleness=timedelta(seconds=settings.revocation_max_staleness_seconds),
    )
    activity = SessionActivity(database)
    tokens = TokenService(
        database,
        clock,
        access=access,
        refresh=refresh,
        feed=feed,
        activity=activity,
        rules=SessionRules(
            idle_life=settings.session_idle_life,
            max_life=settings.session_max_life,
            reuse_grace=settings.refresh_reuse_grace,
            rotation=settings.refresh_token_rotation,
        ),
    )
    gate = Gate(verifier, feed, database, clock, activity=activity, mode=settings.revocation_mode)
    sessions = SessionService(database, clock, access=verifier, refresh=refresh, feed=feed)
    policy = AccountPolicy.of(settings)
    rules = PasswordRules(shortest=settings.shortest_password, refuses_common=settings.refuses_common_passwords)
    accounts = AccountService(database, clock, passwords, feed, rules=rules, policy=policy)
    traffic, rate_limits, leases = Traffic(), RateLimits.of(settings), Leases(database, clock)
    retention = AuditRetention(database, clock, settings.keys, days=settings.audit_retention_days)
    leaving = LeavingService(database, clock, sessions, feed, policy=policy)
    rotation = KeyRotation(database, clock, keys, access_token_life=settings.access_token_life)
    invitations = InvitationService(database, clock, Mailboxes(rate_limits), policy=policy)
    role_editor = RoleEditor(database, clock, feed)
    guesses = Guesses(clock, settings.keys, rules=GuessRules.of(settings))
    pending = PendingSignUps(database, clock, accounts, passwords, guesses, policy=policy)
    recovery = PasswordService(database, clock, passwords, sessions, guesses, rate_limits, rules=rules, policy=policy)
    return Services(
        settings=settings,
        clock=clock,
        database=database,
        passwords=passwords,
        hash_survey=HashSurvey(database, passwords),
        keys=keys,
        revocations=feed,
        activity=activity,
        gate=gate,
        tokens=tokens,
        sessions=sessions,
        accounts=accounts,
        sign_up=SignUpService(
            database, clock, passwords, tokens, sessions, accounts, pending, rules=rules, policy=policy
        ),
        sign_in=SignInService(database, clock, passwords, tokens, sessions, guesses, rate_limits, policy=policy),
        password_recovery=recovery,
        addresses=AddressService(database, clock, recovery, pending, feed, policy=policy),
        not_me=NotMeService(database, clock, sessions, feed),
        leaving=leaving,
        invitations=invitations,
        outbox=OutboxWorker(
            database,
            clock,
            transport_of(settings),
            build_messages(settings, clock),
            MailLinks(database, clock, Mailboxes(rate_limits), public_url=settings.base_url, policy=policy),
            attempts=settings.mail_attempts,
        ),
        account_reader=AccountReader(database, clock, sessions),
        account_editor=AccountEditor(database, clock, passwords, feed, rules=rules, policy=policy),
        account_standing=AccountStanding(database, clock, feed, sessions=sessions, leaving=leaving, policy=policy),
        role_editor=role_editor,
        clients=ClientService(database, clock),
        token_desk=TokenDesk(gate, verifier, sessions),
        key_rotation=rotation,
        restoring=Restoring(database, clock, feed, rotation, deletion_grace=policy.deletion_grace),
        key_history=KeyHistory(database, keys, access_token_life=settings.access_token_life),
        leases=leases,
        audit_reader=AuditReader(database),
        audit_sealer=AuditSealer(database, clock, leases, settings.keys),
        audit_retention=retention,
        figure_counter=FigureCounter(database, clock, leases),
        overview=OverviewReader(database, clock),
        unlocker=Unlocker(database, guesses),
        rate_limits=rate_limits,
        traffic=traffic,
        figures=Figures(
            traffic,
            figures_of_process(
                traffic,
                passwords,
                database,
                feed,
                rate_limits,
                connections=settings.db_pool_size + settings.db_max_overflow,
            ),
            folder=settings.metrics_dir,
        ),
        readiness=Readiness(database, keys, feed),
        purger=Purger(
            leases,
            [
                PurgeTask("revocations", feed.purge),
                PurgeTask("sessions", SessionPurge(database, clock).run),
                PurgeTask("links", LinkPurge(database, clock).run),
                PurgeTask("invitations", invitations.purge),
                PurgeTask("names of roles", role_editor.purge),
                PurgeTask("wrong guesses", GuessPurge(database, clock).run),
                PurgeTask("accounts", leaving.erase_due),
                PurgeTask("audit entries", retention.run),
                PurgeTask("repetitions", RepetitionPurge(database, clock).run),
            ],
        ),
    )


def make_engine(settings: Settings) -> AsyncEngine:
    """Build the engine that the settings describe."""
    return create_engine(
        settings.sqlalchemy_url,
        pool_size=settings.db_pool_size,
        max_overflow=settings.db_max_overflow,
        recycle_seconds=settings.db_pool_recycle_seconds,
        timeout_seconds=settings.db_timeout_seconds,
    )


def build_messages(settings: Settings, clock: Clock) -> Messages:
    """Build what makes messages."""
    return Messages(build_templates(settings), clock, sender=read_sender(settings.mail_from))


def build_templates(settings: Settings) -> Templates:
    """Build the words of mails; the name in MAIL_FROM is what they call the service."""
    return Templates(
        settings.mail_templates,
        default_language=settings.default_language,
        product=read_sender(settings.mail_from).display_name or "Gatepost",
        palette=settings.palette,
    )
