"""Mails of all flows that tell the owner of an account what has happened to it."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.repository import Users
from gatepost.identity.mailing.links import LinkWriter, ready
from gatepost.identity.sessions.devices import UNKNOWN, describe
from gatepost.mail.models import OutboxMail
from gatepost.mail.outbox import MailKind
from gatepost.mail.prepared import PreparedMail


class NoticeMails:
    """Prepares these mails."""

    def __init__(self, links: LinkWriter) -> None:
        self._links = links

    async def happened(self, tx: Transaction, mail: OutboxMail) -> PreparedMail | None:
        """Report a change or a new device, with the link "this was not me" if it is still valid."""
        user = await Users(tx).get(mail.user_id or 0)
        return await self._happened(tx, mail, user, {}) if user is not None else None

    async def factors_reset(self, tx: Transaction, mail: OutboxMail) -> PreparedMail | None:
        """Report that all second factors were removed, and how to sign in now, because there may be no password."""
        user = await Users(tx).get(mail.user_id or 0)
        if user is None:
            return None
        more = {"has_password": user.has_password, "password_page": self._links.page("/forgot-password")}
        return await self._happened(tx, mail, user, more)

    async def _happened(self, tx: Transaction, mail: OutboxMail, user: User, more: Mapping[str, Any]) -> PreparedMail:
        is_linked = "link_id" in mail.data and user.disabled_at is None
        link = await self._links.renew(tx, MailKind(mail.kind), int(mail.data["link_id"])) if is_linked else None
        device = describe(str(mail.data.get("device", "")))
        details: dict[str, Any] = {name: mail.data[name] for name in ("left", "name") if name in mail.data}
        context = {
            "device": "" if device == UNKNOWN else device,
            "address": mail.data.get("client_address", ""),
            "at": mail.created_at,
            **details,
            **more,
            "not_me_link": link["link"] if link is not None else None,
        }
        return ready(mail, user, context, address=mail.address)

    async def deletion_planned(self, tx: Transaction, mail: OutboxMail) -> PreparedMail | None:
        """Report when the account will be deleted, unless the deletion was cancelled meanwhile."""
        user = await Users(tx).get(mail.user_id or 0)
        erase_at = datetime.fromisoformat(mail.data["erase_at"])
        if user is None or user.erase_at != erase_at:
            return None
        return ready(mail, user, {"erase_at": erase_at, "link": self._links.page("/sign-in")}, address=user.email)
