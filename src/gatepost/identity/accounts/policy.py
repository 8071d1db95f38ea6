"""The policy of a deployment for accounts."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta

from gatepost.core.settings import EmailVerification, SecondFactor, Settings, SignUp
from gatepost.identity.accounts.errors import EmailSignInOff, InvitationRequired, SignUpClosed
from gatepost.identity.accounts.models import User
from gatepost.identity.accounts.roles import ALL_PERMISSIONS, Permission

# The permissions for administration; others are for other services.
ADMINISTRATIVE = frozenset({ALL_PERMISSIONS, *Permission})
# How long the link "this was not me" is valid.
COMPROMISE_REPORT_LIFE = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class AccountPolicy:
    """Who may sign up, what they must verify, and how long links in mails are valid."""

    signup: SignUp
    reveals_taken: bool
    verification: EmailVerification
    second_factor: SecondFactor
    email_sign_in: bool
    trusted_device_life: timedelta
    default_language: str
    verify_email_life: timedelta
    reset_password_life: timedelta
    invitation_life: timedelta
    deletion_grace: timedelta

    @classmethod
    def of(cls, settings: Settings) -> "AccountPolicy":
        """Read the policy from the settings."""
        return cls(
            signup=settings.signup,
            reveals_taken=settings.signup_reveals_taken,
            verification=settings.email_verification,
            second_factor=settings.second_factor,
            email_sign_in=settings.signs_in_by_email,
            trusted_device_life=timedelta(days=settings.trusted_device_days),
            default_language=settings.default_language,
            verify_email_life=timedelta(hours=settings.verify_email_hours),
            reset_password_life=timedelta(minutes=settings.reset_password_minutes),
            invitation_life=timedelta(days=settings.invitation_days),
            deletion_grace=timedelta(days=settings.deletion_grace_days),
        )

    def require_sign_up(self, *, is_invited: bool) -> None:
        """Check that somebody may sign up.

        Raises:
            SignUpClosed, InvitationRequired: they may not.
        """
        if self.signup is SignUp.CLOSED:
            raise SignUpClosed
        if self.signup is SignUp.INVITE and not is_invited:
            raise InvitationRequired

    def require_email_sign_in(self) -> None:
        """Let somebody pass who signs in by a code or a link in a mail.

        Raises:
            EmailSignInOff: nobody can.
        """
        if not self.email_sign_in:
            raise EmailSignInOff

    def lets_in_by_mail(self, user: User) -> bool:
        """Whether a code by mail is a way in for an account: its owner has shown that they get its mails."""
        return self.email_sign_in and user.email_verified_at is not None

    def requires_factor(self, permissions: Iterable[str]) -> bool:
        """Whether somebody with these permissions must have a second factor."""
        if self.second_factor is SecondFactor.REQUIRED_FOR_ADMINS:
            return not ADMINISTRATIVE.isdisjoint(permissions)
        return self.second_factor is SecondFactor.REQUIRED
