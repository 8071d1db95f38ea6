"""Builds the services for background work and for operators."""

from dataclasses import dataclass

from gatepost.audit.repetitions import RepetitionPurge
from gatepost.audit.retention import AuditRetention
from gatepost.audit.sealer import AuditSealer
from gatepost.composition.admin import Admin
from gatepost.composition.identity import Identity
from gatepost.composition.platform import Platform
from gatepost.core.db.purging import Purger, PurgeTask
from gatepost.identity.assurance.purging import PendingSignInPurge, TrustedDevicePurge
from gatepost.identity.credentials.email_codes.purging import EmailCodePurge
from gatepost.identity.credentials.passkeys.challenges import ChallengePurge
from gatepost.identity.credentials.totp.purging import TotpPurge
from gatepost.identity.external.authorizations import AuthorizationPurge
from gatepost.identity.links.purging import LinkPurge
from gatepost.identity.sessions.purging import SessionPurge
from gatepost.identity.throttling.purging import GuessPurge
from gatepost.operations.metrics_catalog import process_metrics
from gatepost.operations.process_metrics import ProcessMetrics
from gatepost.operations.readiness import Readiness
from gatepost.transfer.restoring import Restoring


@dataclass(frozen=True, slots=True)
class Operations:
    """The services behind background work, /metrics, /readyz and commands."""

    audit_sealer: AuditSealer
    audit_retention: AuditRetention
    purger: Purger
    process_metrics: ProcessMetrics
    readiness: Readiness
    restoring: Restoring


def build_operations(platform: Platform, identity: Identity, admin: Admin) -> Operations:
    """Build the services for operations."""
    settings, clock, database = platform.settings, platform.clock, platform.database
    feed = identity.revocations
    retention = AuditRetention(database, clock, settings.keys, days=settings.audit_retention_days)
    return Operations(
        audit_sealer=AuditSealer(database, clock, platform.leases, settings.keys),
        audit_retention=retention,
        purger=Purger(
            platform.leases,
            _purge_tasks(platform, identity, admin, retention),
        ),
        process_metrics=ProcessMetrics(
            platform.request_metrics,
            process_metrics(
                platform.request_metrics,
                platform.passwords,
                database,
                feed,
                identity.rate_limits,
                platform.outbound,
                connections=settings.db_pool_size + settings.db_max_overflow,
            ),
            folder=settings.metrics_dir,
        ),
        readiness=Readiness(database, identity.keys, feed),
        restoring=Restoring(database, clock, feed, admin.key_rotation, deletion_grace=identity.policy.deletion_grace),
    )


def _purge_tasks(platform: Platform, identity: Identity, admin: Admin, retention: AuditRetention) -> list[PurgeTask]:
    """Return the tasks that delete expired data, and those that encrypt again with a new SECRET_KEY."""
    clock, database = platform.clock, platform.database
    return [
        PurgeTask("revocations", identity.revocations.purge),
        PurgeTask("sessions", SessionPurge(database, clock).run),
        PurgeTask("links", LinkPurge(database, clock).run),
        PurgeTask("pending sign-ins", PendingSignInPurge(database, clock).run),
        PurgeTask("trusted devices", TrustedDevicePurge(database, clock).run),
        PurgeTask("authorizations", AuthorizationPurge(database, clock).run),
        PurgeTask("passkey challenges", ChallengePurge(database, clock).run),
        PurgeTask("codes by mail", EmailCodePurge(database, clock).run),
        PurgeTask("unconfirmed apps", TotpPurge(database, clock).run),
        PurgeTask("sealed secrets", identity.seal_renewal.run),
        PurgeTask("invitations", admin.invitations.purge),
        PurgeTask("names of roles", admin.role_editor.purge),
        PurgeTask("wrong guesses", GuessPurge(database, clock).run),
        PurgeTask("accounts", identity.deletion.erase_due),
        PurgeTask("audit entries", retention.run),
        PurgeTask("repetitions", RepetitionPurge(database, clock).run),
    ]
