"""One's own trusted devices."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from gatepost.audit.log import AuditEvent, record
from gatepost.core.clock import Clock
from gatepost.core.crypto.secrets import digest_of
from gatepost.core.db.database import Database, retry_conflicts
from gatepost.core.request_info import RequestInfo
from gatepost.flows.factors.errors import TrustedDeviceNotFound
from gatepost.identity.accounts.callers import account_of
from gatepost.identity.assurance.models import TrustedDevice
from gatepost.identity.assurance.repository import sessions_proved_by
from gatepost.identity.assurance.trusted_devices import TrustedDevices
from gatepost.identity.credentials.enrolment import NO_TRUST
from gatepost.identity.factors.methods import Method
from gatepost.identity.sessions.service import SessionService
from gatepost.identity.throttling.devices import Device
from gatepost.identity.tokens.principal import UserPrincipal


class TrustedDeviceService:
    """Lets owners of accounts see and remove their trusted devices."""

    def __init__(self, database: Database, clock: Clock, sessions: SessionService, *, trust_life: timedelta) -> None:
        self._db = database
        self._clock = clock
        self._sessions = sessions
        self._trust_life = trust_life

    async def of(self, principal: UserPrincipal) -> Sequence[tuple[TrustedDevice, datetime]]:
        """Return the caller's trusted devices, the last used first, and until when each is trusted.

        Raises:
            UserNotFound: the account has just been deleted.
        """
        async with self._db.read() as tx:
            user = await account_of(tx, principal.account)
            devices = await TrustedDevices(tx).of(user.id, now=self._clock.now(), life=self._trust_life)
        return [(device, device.ends_at(self._trust_life)) for device in devices]

    @retry_conflicts
    async def forget(self, principal: UserPrincipal, device_id: int, *, info: RequestInfo) -> None:
        """Remove a trusted device, and end the other sessions in which it stood in for the second factor.

        Raises:
            TrustedDeviceNotFound: the caller has no such device.
            UserNotFound: the account has just been deleted.
        """
        now = self._clock.now()
        async with self._db.begin() as tx:
            user = await account_of(tx, principal.account, is_locked=True)
            if not await TrustedDevices(tx).forget(user.id, device_id):
                raise TrustedDeviceNotFound
            # A sign-in that is under way must not be completed by it.
            user.touch(now)
            others = await sessions_proved_by(
                tx, user.id, Method.TRUSTED_DEVICE, device_id, but=principal.session_id, now=now
            )
            await self._sessions.end_named(tx, others, reason=NO_TRUST, info=info)
            record(tx, AuditEvent.DEVICE_FORGOTTEN, at=now, user_id=user.id, session_id=principal.session_id, info=info)


def is_current(trusted: TrustedDevice, device: Device) -> bool:
    """Whether a trusted device is the one that asks."""
    return bool(device.nonce) and trusted.digest == digest_of(device.nonce)
