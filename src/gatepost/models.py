"""Every table of the service, for the migrations."""

from gatepost.accounts.models import Role, User
from gatepost.audit.models import AuditEntry
from gatepost.clients.models import ResourceServer
from gatepost.core.tables import Base
from gatepost.keys.models import StoredKey
from gatepost.sessions.models import Revocation, Session

__all__ = ["AuditEntry", "Base", "ResourceServer", "Revocation", "Role", "Session", "StoredKey", "User"]
