"""Builds the services for background work and for operators."""

from dataclasses import dataclass
from functools import partial

from gatepost.audit.repetitions import RepetitionPurge
from gatepost.audit.retention import AuditRetention
from gatepost.audit.sealer import AuditSealer
from gatepost.composition.admin import Admin
from gatepost.composition.identity import Identity
from gatepost.composition.platform import Platform
from gatepost.core.db.purging import ExpiredRows, Purger, PurgeTask
from gatepost.identity.assurance.models import PendingSignIn, TrustedDevice
from gatepost.identity.credentials.totp.purging import TotpPurge
from gatepost.identity.external.models import PendingAuthorization
from gatepost.identity.factors.models import PasskeyChallenge
from gatepost.identity.links.models import EmailCode
from gatepost.identity.links.purging import LinkPurge
from gatepost.identity.sessions.purging import SessionPurge
from gatepost.identity.throttling.models import GuessCounter
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
    expired = partial(ExpiredRows, database, clock)
    return [
        PurgeTask("revocations", identity.revocations.purge),
        PurgeTask("sessions", SessionPurge(database, clock).run),
        PurgeTask("links", LinkPurge(database, clock).run),
        PurgeTask("pending sign-ins", expired(PendingSignIn.id, PendingSignIn.expires_at).run),
        PurgeTask("trusted devices", expired(TrustedDevice.id, TrustedDevice.expires_at).run),
        PurgeTask("authorizations", expired(PendingAuthorization.id, PendingAuthorization.expires_at).run),
        PurgeTask("passkey challenges", expired(PasskeyChallenge.id, PasskeyChallenge.expires_at).run),
        PurgeTask("codes by mail", expired(EmailCode.id, EmailCode.expires_at).run),
        PurgeTask("unconfirmed apps", TotpPurge(database, clock).run),
        PurgeTask("sealed secrets", identity.seal_renewal.run),
        PurgeTask("invitations", admin.invitations.purge),
        PurgeTask("names of roles", admin.role_editor.purge),
        PurgeTask(
            "wrong guesses", expired(GuessCounter.subject, GuessCounter.expires_at, GuessCounter.blocked_until).run
        ),
        PurgeTask("accounts", identity.deletion.erase_due),
        PurgeTask("audit entries", retention.run),
        PurgeTask("repetitions", RepetitionPurge(database, clock).run),
    ]
