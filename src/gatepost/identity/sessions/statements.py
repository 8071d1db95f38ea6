"""Statements for sessions, built only once: building them for each request would be most of its work."""

from datetime import datetime
from functools import cache
from typing import Any, cast

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Insert,
    Table,
    and_,
    bindparam,
    exists,
    func,
    insert,
    or_,
    select,
    update,
)

from gatepost.identity.accounts.models import Role, User
from gatepost.identity.factors.enrolment import HAS_SECOND_FACTOR
from gatepost.identity.sessions.models import DISOWNED, Session


def live(now: "datetime | BindParameter[datetime]") -> tuple[Any, ...]:
    """Return the conditions for a live session."""
    return (Session.ended_at.is_(None), Session.idle_expires_at > now, Session.absolute_expires_at > now)


# The columns that a refresh changes.
MOVED_ON = (
    "generation", "rotated_at", "last_used_at", "idle_expires_at", "access_expires_at", "key_id", "address",
    "user_agent", "device",
)  # fmt: skip
# The address where a session was opened, so that a stolen refresh token cannot make another address known. Earlier
# versions only stored the address of the last use.
OPENED_AT: ColumnElement[str] = func.coalesce(Session.opened_address, Session.address)
# Selects columns instead of objects, and only those that a refresh needs, because the driver reads the description of
# each column every time.
SUBJECT = (
    select(
        Session.generation, Session.rotated_at, Session.created_at, Session.idle_expires_at,
        Session.absolute_expires_at, Session.access_expires_at, Session.amr, Session.acr, Session.ended_at,
        func.coalesce(Session.authenticated_at, Session.created_at).label("authenticated_at"),
        Session.client_id, Session.scope, Session.proofs,
        Session.user_id, User.random_id, User.username, User.token_version, User.disabled_at,
        User.email_verified_at, HAS_SECOND_FACTOR.label("has_second_factor"),
        Role.id.label("role_id"), Role.name, Role.permissions,
    )
    .select_from(Session)
    .join(User, User.id == Session.user_id)
    .outerjoin(User.roles)
    .where(Session.id == bindparam("session_id"))
)  # fmt: skip

# Selected with an account at a sign-in: whether the account is not new, by its sessions or its age, and has never
# signed in with this device name from this address. Sessions that the owner has reported as not theirs do not count.
IS_STRANGE: ColumnElement[bool] = and_(
    or_(exists().where(Session.user_id == User.id).correlate(User), User.created_at < bindparam("new_since")),
    ~exists()
    .where(
        Session.user_id == User.id,
        Session.device == bindparam("device"),
        bindparam("client_address") == OPENED_AT,
        Session.end_reason.is_distinct_from(DISOWNED),
    )
    .correlate(User),
)

SESSIONS = cast("Table", Session.__table__)
# The columns that are set when a session is opened.
AT_FIRST = [column.name for column in SESSIONS.c if column.name not in ("ended_at", "end_reason")]
# The columns of an account that must be unchanged when a session is opened.
GUARD_COLUMNS = ("id", "password_hash", "token_version", "version")
COUNTED = {"preserve_rowcount": True}


@cache
def add_if_unchanged(unless: ColumnElement[bool]) -> Insert:
    """Return the statement of `Sessions.add_if_unchanged`; building it each time would be much of a sign-in's work."""
    chosen = (
        select(*(bindparam(f"new_{name}", type_=SESSIONS.c[name].type) for name in AT_FIRST))
        .where(
            *(getattr(User, name) == bindparam(f"read_{name}") for name in GUARD_COLUMNS),
            User.disabled_at.is_(None),
            User.erase_at.is_(None),
            ~unless,
        )
        .with_for_update(read=True)
    )
    return insert(SESSIONS).from_select(AT_FIRST, chosen)


ADVANCE = (
    update(SESSIONS)
    .where(
        SESSIONS.c.id == bindparam("session"),
        SESSIONS.c.generation == bindparam("current"),
        *live(bindparam("now", type_=SESSIONS.c.idle_expires_at.type)),
    )
    # `opened_address` first, for sessions of earlier versions: MySQL assigns the columns in order.
    .ordered_values(
        (SESSIONS.c.opened_address, func.coalesce(SESSIONS.c.opened_address, SESSIONS.c.address)),
        *((SESSIONS.c[name], bindparam(name)) for name in MOVED_ON),
    )
)
