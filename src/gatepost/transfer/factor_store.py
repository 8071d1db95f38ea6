"""Reads and writes second factors in the database for exports and imports: decrypts and encrypts their secrets."""

from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import fields
from typing import Any

from sqlalchemy import func, or_, select, tuple_

from gatepost.core.crypto.sealing import SealError
from gatepost.core.db.database import Transaction
from gatepost.identity.accounts.models import User
from gatepost.identity.credentials.passkeys.method import PasskeyMethod
from gatepost.identity.credentials.recovery_codes.method import RecoveryCodeMethod
from gatepost.identity.credentials.totp.method import TotpMethod
from gatepost.identity.external.models import ExternalIdentity
from gatepost.identity.factors.enrolment import IS_SET_UP
from gatepost.identity.factors.methods import Method
from gatepost.identity.factors.models import Passkey, RecoveryCodes, TotpSecret, UserHandle, owner_of
from gatepost.transfer.factors import MovedFactors, MovedRecoveryCodes, MovedTotp
from gatepost.transfer.identities import MovedIdentities, MovedIdentity, mark_of
from gatepost.transfer.marks import CREDENTIAL, HANDLE, IDENTITY, Mark
from gatepost.transfer.passkeys import MovedPasskey, MovedPasskeys

# The methods whose secrets we store.
SECRET = (Method.TOTP, Method.RECOVERY_CODE)
# Values per statement; a credential id has up to 1,023 bytes.
PART = 500
MARKED = {CREDENTIAL: (Passkey.credential_id, Passkey.user_id), HANDLE: (UserHandle.handle, UserHandle.user_id)}
# The fields are named like the columns.
PASSKEY_FIELDS = tuple(field.name for field in fields(MovedPasskey))
IDENTITY_FIELDS = tuple(field.name for field in fields(MovedIdentity))
# Stands for a secret that SECRET_KEY cannot decrypt.
SHUT = object()


class FactorStore:
    """Reads and writes the second factors of accounts, in its callers' transactions."""

    def __init__(self, passkeys: PasskeyMethod, totp: TotpMethod, recovery_codes: RecoveryCodeMethod) -> None:
        self._passkeys = passkeys
        _, self._totp_box = totp.sealed
        _, self._codes_box = recovery_codes.sealed

    async def count_secret(self, tx: Transaction) -> int:
        """Return how many accounts have a second factor with a secret."""
        has_any = or_(*(IS_SET_UP[method] for method in SECRET))
        return await tx.scalar(select(func.count()).select_from(User).where(has_any)) or 0

    async def read(
        self, tx: Transaction, users: Sequence[User], unopened: list[int], *, with_secrets: bool
    ) -> dict[int, MovedFactors]:
        """Return the decrypted factors by account id. Ids with a factor that cannot be decrypted go into `unopened`.

        Without `with_secrets`, only passkeys and identities are returned.
        """
        ids = [user.id for user in users]
        passkeys, identities = await _passkeys_of(tx, ids), await _identities_of(tx, ids)
        if not with_secrets:
            return {user.id: MovedFactors(passkeys.get(user.id), identities=identities.get(user.id)) for user in users}
        totp = {row.user_id: row for row in await _all(tx, TotpSecret, ids) if row.confirmed_at is not None}
        codes = {row.user_id: row for row in await _all(tx, RecoveryCodes, ids)}
        found = {}
        for user in users:
            opened = {
                "passkeys": passkeys.get(user.id),
                "identities": identities.get(user.id),
                "totp": _or_shut(self._opened_totp, totp.get(user.id), user),
                "recovery_codes": _or_shut(self._opened_codes, codes.get(user.id), user),
            }
            if SHUT in opened.values():
                unopened.append(user.id)
            found[user.id] = MovedFactors(**{name: one for name, one in opened.items() if one is not SHUT})
        return found

    def write(self, tx: Transaction, user: User, factors: MovedFactors) -> None:
        """Encrypt the factors of a new account, and add them."""
        if (passkeys := factors.passkeys) is not None:
            tx.add(UserHandle(user_id=user.id, handle=passkeys.user_handle))
            tx.add_all(_row(passkey, user) for passkey in passkeys.credentials)
        if (identities := factors.identities) is not None:
            tx.add_all(
                ExternalIdentity(user_id=user.id, **{name: getattr(one, name) for name in IDENTITY_FIELDS})
                for one in identities.linked
            )
        if (totp := factors.totp) is not None:
            tx.add(
                TotpSecret(
                    user_id=user.id,
                    sealed_secret=self._totp_box.seal(totp.secret, owner=owner_of(user)),
                    last_step=totp.last_step,
                    created_at=totp.created_at,
                    confirmed_at=totp.confirmed_at,
                    last_used_at=totp.last_used_at,
                )
            )
        if (codes := factors.recovery_codes) is not None:
            tx.add(
                RecoveryCodes(
                    user_id=user.id,
                    sealed_key=self._codes_box.seal(codes.key, owner=owner_of(user)),
                    digests=list(codes.digests),
                    unused=codes.unused,
                    created_at=codes.created_at,
                    last_used_at=codes.last_used_at,
                )
            )

    async def lacking(self, tx: Transaction, wanted: Sequence[tuple[User, MovedFactors]]) -> set[int]:
        """Return the ids of the accounts that lack one of the wanted factors."""
        ids = [user.id for user, _ in wanted]
        totp = {row.user_id for row in await _all(tx, TotpSecret, ids)}
        codes = {row.user_id for row in await _all(tx, RecoveryCodes, ids)}
        passkeys = {(row.user_id, row.credential_id) for row in await _all(tx, Passkey, ids)}
        rows = await _all(tx, ExternalIdentity, ids)
        identities = {(row.user_id, mark_of(row.issuer, row.subject)) for row in rows}
        return {
            user.id
            for user, factors in wanted
            if (factors.totp is not None and user.id not in totp)
            or (factors.recovery_codes is not None and user.id not in codes)
            or any((user.id, passkey.credential_id) not in passkeys for passkey in _passkeys_in(factors))
            or any((user.id, identity.mark) not in identities for identity in _identities_in(factors))
        }

    async def owners(self, tx: Transaction, wanted: Sequence[MovedFactors]) -> Mapping[Mark, int]:
        """Return the ids of existing accounts that have one of the factors' unique marks, by mark."""
        marks = [mark for factors in wanted for mark in factors.marks]
        found: dict[Mark, int] = {}
        for what, (column, owner) in MARKED.items():
            values = [value for kind, value in marks if kind == what]
            for start in range(0, len(values), PART):
                part = values[start : start + PART]
                rows = (await tx.execute(select(column, owner).where(column.in_(part)))).all()
                found |= {(what, value): user_id for value, user_id in rows}
        return found | await _owners_of_identities(tx, [value for kind, value in marks if kind == IDENTITY])

    def count_elsewhere(self, factors: MovedFactors) -> int:
        """Return how many of these passkeys were created for another domain, so that they do not work here."""
        rp = self._passkeys.relying_party
        return sum(rp is None or passkey.rp_id != rp.id for passkey in _passkeys_in(factors))

    def _opened_totp(self, row: TotpSecret, user: User) -> MovedTotp:
        secret = self._totp_box.open(row.sealed_secret, owner=owner_of(user))
        confirmed_at = row.confirmed_at or row.created_at
        return MovedTotp(secret, row.last_step, row.created_at, confirmed_at, row.last_used_at)

    def _opened_codes(self, row: RecoveryCodes, user: User) -> MovedRecoveryCodes:
        key = self._codes_box.open(row.sealed_key, owner=owner_of(user))
        return MovedRecoveryCodes(key, tuple(row.digests), row.unused, row.created_at, row.last_used_at)


def _or_shut(open_row: Callable[[Any, User], Any], row: Any, user: User) -> Any:
    """Decrypt a row if there is one; `SHUT` if that fails, so that the account's other factors are still exported."""
    try:
        return None if row is None else open_row(row, user)
    except SealError:
        return SHUT


async def _all(tx: Transaction, model: Any, ids: Collection[int]) -> Sequence[Any]:
    return (await tx.scalars(select(model).where(model.user_id.in_(ids)))).all()


async def _passkeys_of(tx: Transaction, ids: Collection[int]) -> dict[int, MovedPasskeys]:
    found: dict[int, list[Passkey]] = defaultdict(list)
    for row in await _all(tx, Passkey, ids):
        found[row.user_id].append(row)
    handles = {row.user_id: row.handle for row in await _all(tx, UserHandle, ids)}
    return {
        user_id: MovedPasskeys(handles[user_id], tuple(_moved(row) for row in sorted(rows, key=lambda row: row.id)))
        for user_id, rows in found.items()
    }


def _passkeys_in(factors: MovedFactors) -> Sequence[MovedPasskey]:
    return factors.passkeys.credentials if factors.passkeys is not None else ()


def _identities_in(factors: MovedFactors) -> Sequence[MovedIdentity]:
    return factors.identities.linked if factors.identities is not None else ()


async def _identities_of(tx: Transaction, ids: Collection[int]) -> dict[int, MovedIdentities]:
    found: dict[int, list[ExternalIdentity]] = defaultdict(list)
    for row in await _all(tx, ExternalIdentity, ids):
        found[row.user_id].append(row)
    return {
        user_id: MovedIdentities(
            tuple(
                MovedIdentity(**{name: getattr(row, name) for name in IDENTITY_FIELDS})
                for row in sorted(rows, key=lambda row: row.id)
            )
        )
        for user_id, rows in found.items()
    }


async def _owners_of_identities(tx: Transaction, values: Sequence[bytes]) -> dict[Mark, int]:
    found: dict[Mark, int] = {}
    for start in range(0, len(values), PART):
        pairs = [tuple(value.decode().split("\n")) for value in values[start : start + PART]]
        named = tuple_(ExternalIdentity.issuer, ExternalIdentity.subject).in_(pairs)
        rows = await tx.execute(
            select(ExternalIdentity.issuer, ExternalIdentity.subject, ExternalIdentity.user_id).where(named)
        )
        found |= {mark_of(issuer, subject): user_id for issuer, subject, user_id in rows}
    return found


def _moved(row: Passkey) -> MovedPasskey:
    values = {name: getattr(row, name) for name in PASSKEY_FIELDS}
    return MovedPasskey(**values | {"transports": tuple(row.transports)})


def _row(passkey: MovedPasskey, user: User) -> Passkey:
    values = {name: getattr(passkey, name) for name in PASSKEY_FIELDS}
    return Passkey(user_id=user.id, **values | {"transports": list(passkey.transports)})
