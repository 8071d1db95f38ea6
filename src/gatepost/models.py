"""All tables of the service, for the migrations."""

from gatepost.admin.statistics.models import DailyStatistic
from gatepost.audit.models import AuditEntry, AuditRepetition, AuditSeal
from gatepost.core.db.leases import Lease
from gatepost.core.db.tables import Base
from gatepost.flows.oauth.models import ResourceServer
from gatepost.identity.accounts.models import RetiredRoleName, Role, User
from gatepost.identity.assurance.models import PendingSignIn, TrustedDevice
from gatepost.identity.external.models import ExternalIdentity, PendingAuthorization
from gatepost.identity.factors.models import Passkey, PasskeyChallenge, RecoveryCodes, TotpSecret, UserHandle
from gatepost.identity.invitations.models import Invitation
from gatepost.identity.keys.models import StoredKey
from gatepost.identity.links.models import EmailCode, OneTimeToken
from gatepost.identity.sessions.models import Revocation, Session
from gatepost.identity.throttling.models import GuessCounter
from gatepost.mail.models import OutboxMail

__all__ = [
    "AuditEntry",
    "AuditRepetition",
    "AuditSeal",
    "Base",
    "DailyStatistic",
    "EmailCode",
    "ExternalIdentity",
    "GuessCounter",
    "Invitation",
    "Lease",
    "OneTimeToken",
    "OutboxMail",
    "Passkey",
    "PasskeyChallenge",
    "PendingAuthorization",
    "PendingSignIn",
    "RecoveryCodes",
    "ResourceServer",
    "RetiredRoleName",
    "Revocation",
    "Role",
    "Session",
    "StoredKey",
    "TotpSecret",
    "TrustedDevice",
    "User",
    "UserHandle",
]
