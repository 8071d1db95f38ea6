"""What a way in proves. One more way in is one more `Attempt`, in a file of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Protocol, Self

from gatepost.core.request_info import RequestInfo
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.methods import Method, acr_of, amr_of, words_of
from gatepost.identity.sessions.models import Authentication, Session
from gatepost.identity.throttling.counters import Counter


@dataclass(frozen=True, slots=True)
class Proved:
    """One proof: by what method, when, and by which credential where an account may have several of the method.

    Once the credential is removed, the proof no longer counts; it only tells how somebody came in.
    """

    by: Method
    at: datetime
    credential: int | None = None
    is_removed: bool = False

    def as_json(self) -> dict[str, Any]:
        """Return what is stored of it."""
        stored: dict[str, Any] = {"by": self.by, "at": self.at.isoformat()}
        if self.credential is not None:
            stored["credential"] = self.credential
        return stored | ({"removed": True} if self.is_removed else {})

    @classmethod
    def from_json(cls, stored: dict[str, Any]) -> Self:
        """Read what is stored."""
        at, is_removed = datetime.fromisoformat(stored["at"]), stored.get("removed", False)
        return cls(Method(stored["by"]), at, stored.get("credential"), is_removed)


@dataclass(frozen=True, slots=True)
class Proof:
    """Whoever asks has shown to be the person of an account.

    `user` is the account as it was read for this, `proved` tells by what it was shown, and `has_second_factor` whether
    the account wants more than one. A wrong guess would have counted on `counters`. Of a device that is new to the
    account its owner is told.
    """

    user: User
    proved: tuple[Proved, ...]
    has_second_factor: bool
    counters: Sequence[Counter] = ()
    is_new_device: bool = False

    @property
    def authentication(self) -> Authentication:
        """What the session says of it."""
        return authentication_by(self.proved)

    @property
    def trusted_device(self) -> int | None:
        """The device that stands in for the second factor; None where none does."""
        return next((proof.credential for proof in self.proved if proof.by is Method.TRUSTED_DEVICE), None)


class Attempt(Protocol):
    """One try to sign in, by whatever method."""

    @property
    def info(self) -> RequestInfo:
        """Who tries."""

    async def prove(self) -> Proof:
        """Check what was given, and return whose account it proves; it is asked again where that changes meanwhile.

        Raises:
            AppError: it proves nothing. The method has remembered that.
        """

    async def succeeded(self) -> None:
        """Do what comes after the last proof was enough, or led on to a second factor."""


def authentication_by(proved: Sequence[Proved]) -> Authentication:
    """Return what a session says of its proofs: those that count, how sure that is, and the moment of the last."""
    counted = [proof for proof in proved if not proof.is_removed]
    at, methods = max(proof.at for proof in counted or proved), [proof.by for proof in counted]
    return Authentication(
        # A token says some method; where none counts any more, it says how somebody came in.
        amr=amr_of(methods) or words_of([proof.by for proof in proved]),
        acr=acr_of(methods, last=[proof.by for proof in counted if proof.at == at]),
        at=at,
        proofs=[proof.as_json() for proof in proved],
    )


def prove_again(session: Session, proved: Proved) -> None:
    """Note a new proof in a session; it replaces an earlier one by the same credential."""
    before = [proof for proof in proofs_of(session) if not _is_by(proof, proved.by, proved.credential)]
    _note(session, [*before, proved])


def forget_proof(session: Session, method: Method, credential: int | None) -> None:
    """Let a proof of a session no longer count, because its credential is removed."""
    proofs = proofs_of(session)
    _note(session, [replace(one, is_removed=True) if _is_by(one, method, credential) else one for one in proofs])


def proofs_of(session: Session) -> list[Proved]:
    """Return what the person of a session has proved; one of an earlier version was opened by a password."""
    if session.proofs is None:
        return [Proved(Method.PASSWORD, session.proved_at)]
    return list(map(Proved.from_json, session.proofs))


def _is_by(proof: Proved, method: Method, credential: int | None) -> bool:
    return (proof.by, proof.credential) == (method, credential)


def _note(session: Session, proofs: Sequence[Proved]) -> None:
    how = authentication_by(proofs)
    session.amr, session.acr, session.authenticated_at, session.proofs = how.amr, how.acr, how.at, how.proofs
