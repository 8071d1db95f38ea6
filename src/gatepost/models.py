"""Every table of the service, for the migrations."""

from gatepost.accounts.models import OneTimeToken, RetiredRoleName, Role, User
from gatepost.audit.models import AuditEntry, AuditRepetition, AuditSeal
from gatepost.clients.models import ResourceServer
from gatepost.core.leases import Lease
from gatepost.core.tables import Base
from gatepost.figures.models import DailyFigure
from gatepost.invitations.models import Invitation
from gatepost.keys.models import StoredKey
from gatepost.limits.models import GuessCounter
from gatepost.mail.models import OutboxMail
from gatepost.sessions.models import Revocation, Session

__all__ = [
    "AuditEntry",
    "AuditRepetition",
    "AuditSeal",
    "Base",
    "DailyFigure",
    "GuessCounter",
    "Invitation",
    "Lease",
    "OneTimeToken",
    "OutboxMail",
    "ResourceServer",
    "RetiredRoleName",
    "Revocation",
    "Role",
    "Session",
    "StoredKey",
    "User",
]
