"""Passkeys of accounts: asking browsers for one, and using their responses up."""

from gatepost.audit.log import AuditEvent
from gatepost.audit.repetitions import record_once_a_day
from gatepost.core.clock import Clock
from gatepost.core.db.database import Transaction
from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.assurance.proofs import Proved
from gatepost.identity.assurance.second_factors import Answer
from gatepost.identity.credentials.passkeys.aaguids import usual_name
from gatepost.identity.credentials.passkeys.authentication import StoredPasskey, verify_authentication
from gatepost.identity.credentials.passkeys.authenticator_data import Flags, flags_of
from gatepost.identity.credentials.passkeys.ceremony import Expectation
from gatepost.identity.credentials.passkeys.challenges import Challenges, Purpose
from gatepost.identity.credentials.passkeys.errors import PasskeysUnavailable
from gatepost.identity.credentials.passkeys.options import (
    Asked,
    CredentialDescriptor,
    PasskeyUser,
    creation_options,
    request_options,
)
from gatepost.identity.credentials.passkeys.refusals import PasskeyRefused, Refusal
from gatepost.identity.credentials.passkeys.registration import NewPasskey, verify_registration
from gatepost.identity.credentials.passkeys.relying_party import RelyingParty
from gatepost.identity.credentials.passkeys.repository import OwnedPasskey, Passkeys
from gatepost.identity.credentials.passkeys.responses import credential_id_of, read_authentication
from gatepost.identity.factors.methods import Method
from gatepost.identity.factors.models import Passkey, PasskeyChallenge
from gatepost.identity.links.mails import notify
from gatepost.mail.outbox import MailKind

# The public key of everybody's private key 1. A response for a passkey that nobody has is verified with it.
NOBODYS_KEY = bytes.fromhex(
    "a5010203262001215820"
    "6b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
    "225820"
    "4fe342e2fe1a7f9b8ee7eb4a7c0f9e162bce33576b315ececbb6406837bf51f5"
)


class PasskeyMethod:
    """Keeps the passkeys of accounts, in transactions of its callers, who commit whatever the verdict is.

    The user is always verified, by a PIN or a fingerprint: also where a passkey is the second factor. Without a
    `relying_party` that browsers accept there are no options, and so nothing to verify.
    """

    name = Method.PASSKEY
    is_guessable = False

    def __init__(self, clock: Clock, relying_party: RelyingParty | None, *, rp_name: str) -> None:
        self._clock = clock
        self._rp_name = rp_name
        self.relying_party = relying_party

    async def ask(self, tx: Transaction, purpose: Purpose, *, user: User | None = None, bound_to: str = "") -> Asked:
        """Return the id of a new challenge, and the options to show a passkey: of an account, or of anybody.

        Raises:
            PasskeysUnavailable: browsers would refuse them here.
        """
        rp = self._require_relying_party()
        user_id = user.id if user is not None else None
        name, challenge = await Challenges(tx).add(purpose, now=self._clock.now(), user_id=user_id, bound_to=bound_to)
        allow = await self._descriptors(tx, user) if user is not None else []
        return name, request_options(_expectation(rp, challenge), allow=allow)

    async def ask_for_new(
        self,
        tx: Transaction,
        purpose: Purpose,
        whose: PasskeyUser,
        *,
        user: User | None = None,
        bound_to: str = "",
    ) -> Asked:
        """Return the id of a new challenge, and the options to make a passkey, for an account or one that is to be.

        Raises:
            PasskeysUnavailable: browsers would refuse them here.
        """
        rp = self._require_relying_party()
        name, challenge = await Challenges(tx).add(
            purpose,
            now=self._clock.now(),
            user_id=user.id if user is not None else None,
            bound_to=bound_to,
            handle=whose.handle if user is None else None,
        )
        exclude = await self._descriptors(tx, user) if user is not None else []
        return name, creation_options(_expectation(rp, challenge), whose, rp_name=self._rp_name, exclude=exclude)

    def read_new(self, credential: object, challenge: bytes) -> NewPasskey:
        """Verify a response to `ask_for_new`.

        Raises:
            PasskeyRefused: it is not valid.
        """
        return verify_registration(credential, _expectation(self._require_relying_party(), challenge))

    async def add(self, tx: Transaction, user: User, new: NewPasskey, *, name: str | None) -> Passkey:
        """Give an account a passkey; without a name it is called as its authenticator is.

        Raises:
            IntegrityError: an account has it already.
        """
        return await Passkeys(tx).add(
            Passkey(
                user_id=user.id,
                credential_id=new.credential_id,
                public_key=new.public_key,
                sign_count=new.sign_count,
                backup_eligible=new.backup_eligible,
                backup_state=new.backup_state,
                aaguid=new.aaguid,
                transports=list(new.transports),
                name=name or usual_name(new.aaguid),
                rp_id=self._require_relying_party().id,
                created_at=self._clock.now(),
                last_used_at=None,
            )
        )

    async def remove(self, tx: Transaction, user: User) -> bool:
        """Forget the passkeys of an account; return whether there were any."""
        return await Passkeys(tx).remove_all(user.id) > 0

    async def use(self, tx: Transaction, user: User, answer: Answer, *, info: RequestInfo) -> Proved | None:
        """Use a challenge of a pending sign-in up; None where it or the response is not right."""
        challenge = await Challenges(tx).use(
            answer.challenge_id,
            Purpose.SECOND_FACTOR,
            now=self._clock.now(),
            user_id=user.id,
            bound_to=answer.bound_to,
        )
        owned = await Passkeys(tx).owned(user.id, named_in(answer.credential))
        try:
            return await self.verify(tx, owned, user, answer.credential, challenge, is_discoverable=False, info=info)
        except PasskeyRefused:
            return None

    async def verify(
        self,
        tx: Transaction,
        owned: OwnedPasskey | None,
        user: User | None,
        credential: object,
        challenge: PasskeyChallenge | None,
        *,
        is_discoverable: bool,
        info: RequestInfo,
    ) -> Proved:
        """Verify the response to a challenge that was used up, and move the counter on.

        A passkey that nobody has costs the same work. Of a counter that has not grown the owner is told.

        Raises:
            PasskeyRefused: it is not valid.
        """
        if challenge is None:
            raise PasskeyRefused(Refusal.CHALLENGE)
        expected, now = _expectation(self._require_relying_party(), challenge.challenge), self._clock.now()
        if owned is None or user is None:
            verify_authentication(credential, expected, _nobodys(credential), is_discoverable=is_discoverable)
            raise PasskeyRefused(Refusal.CREDENTIAL_ID)
        try:
            assertion = verify_authentication(credential, expected, owned.stored, is_discoverable=is_discoverable)
        except PasskeyRefused as refused:
            if refused.reason is Refusal.SIGN_COUNT:
                await self._tell_of_copy(tx, user, owned.passkey, info=info)
            raise
        if not await Passkeys(tx).use(owned.passkey, assertion, now=now):
            if not await Passkeys(tx).is_there(owned.passkey):
                raise PasskeyRefused(Refusal.CREDENTIAL_ID)
            # Another response has moved the counter on, at the same moment.
            await self._tell_of_copy(tx, user, owned.passkey, info=info)
            raise PasskeyRefused(Refusal.SIGN_COUNT)
        return Proved(self.name, now, owned.passkey.id)

    async def _tell_of_copy(self, tx: Transaction, user: User, passkey: Passkey, *, info: RequestInfo) -> None:
        """Tell the owner, once a day, that a passkey may have been copied."""
        now, details = self._clock.now(), {"passkey": passkey.id}
        if await record_once_a_day(tx, AuditEvent.PASSKEY_COPIED, at=now, user_id=user.id, info=info, details=details):
            link = {"told": MailKind.PASSKEY_COPIED, **details}
            await notify(tx, MailKind.PASSKEY_COPIED, user, at=now, info=info, data={"name": passkey.name}, link=link)

    async def _descriptors(self, tx: Transaction, user: User) -> list[CredentialDescriptor]:
        """Return the passkeys of an account that are good here."""
        rp = self._require_relying_party()
        passkeys = await Passkeys(tx).of(user.id)
        return [
            CredentialDescriptor(passkey.credential_id, passkey.transports)
            for passkey in passkeys
            if passkey.rp_id == rp.id
        ]

    def _require_relying_party(self) -> RelyingParty:
        if self.relying_party is None:
            raise PasskeysUnavailable
        return self.relying_party


def named_in(credential: object) -> bytes:
    """Return the credential id that a response names; of none, where it names none, which is told by the verifying."""
    try:
        return credential_id_of(credential)
    except PasskeyRefused:
        return b""


def _expectation(rp: RelyingParty, challenge: bytes) -> Expectation:
    return Expectation(rp, challenge, user_verification=True)


def _nobodys(credential: object) -> StoredPasskey:
    """Return a passkey that a response may be of as far as it says itself, so that its signature is looked at."""
    response = read_authentication(credential)
    return StoredPasskey(
        credential_id=response.credential_id,
        public_key=NOBODYS_KEY,
        sign_count=0,
        backup_eligible=Flags.BACKUP_ELIGIBLE in flags_of(response.authenticator_data),
        user_handle=response.user_handle or b"",
    )
