"""Makes entries displayable, whatever values somebody has written into their columns by hand."""

import json
from typing import Any

from gatepost.audit.chain import is_deep
from gatepost.audit.former_names import current_name
from gatepost.audit.models import AuditEntry


def shown(entry: AuditEntry) -> AuditEntry:
    """Return a copy of an entry with the current name of its event, in which every value can be written as JSON."""
    return AuditEntry(
        id=entry.id,
        at=entry.at,
        event=current_name(_text(entry.event)),
        user_id=_number(entry.user_id),
        actor_id=_number(entry.actor_id),
        session_id=_number(entry.session_id),
        address=_text(entry.address),
        request_id=_text(entry.request_id),
        details=_members(entry.details),
        seal_id=entry.seal_id,
    )


def _text(value: Any) -> str:
    return value if isinstance(value, str) else repr(value)


def _number(value: Any) -> int | None:
    return value if isinstance(value, int) else None


def _members(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict) or is_deep(value):
        return {}
    try:
        json.dumps(value, ensure_ascii=False, allow_nan=False).encode()
    except ValueError:
        return {}
    return value
