"""The settings of guessing and floods: how often somebody may try, and what a password must not be."""

from pydantic import BaseModel, Field, SecretStr

from gatepost.core.settings.types import PositiveInt

# As the limits library writes it: 20/hour, 5 per 10 minutes.
RATE = r"^[1-9][0-9]{0,8}\s*(/|per)\s*([1-9][0-9]{0,4}\s*)?(second|minute|hour|day)s?$"


class LimitSettings(BaseModel):
    """How often somebody may guess, ask and ask again."""

    guesses_per_account: PositiveInt = Field(
        5, description="Wrong passwords for one account before strangers wait; a known device has as many of its own."
    )
    guesses_per_address: PositiveInt = Field(
        100, description="Wrong passwords from one address (IPv6: one /64) in an hour before it waits."
    )
    guess_max_wait_seconds: PositiveInt = Field(
        900, ge=5, description="Waits begin at 5 seconds and double with each wrong password, up to this."
    )
    rate_limits: bool = Field(True, description="`false` turns the limits below off; those of guessing stay.")
    signup_rate: str = Field("100/hour", pattern=RATE, description="Sign-ups from one address.")
    signin_rate: str = Field(
        "60/minute", pattern=RATE, description="Right passwords for one account, wherever they come from."
    )
    mail_rate: str = Field("30/hour", pattern=RATE, description="Requests for a mail from one address.")
    mailbox_rate: str = Field(
        "5/hour", pattern=RATE, description="Mails of one kind to one mailbox, of those that one address asks for."
    )
    mailbox_shared_rate: str = Field(
        "20/hour", pattern=RATE, description="The same, of those that all strangers ask for together."
    )
    link_rate: str = Field("60/hour", pattern=RATE, description="Links of mails, and codes, tried from one address.")
    refresh_rate: str = Field("1000/minute", pattern=RATE, description="Refreshes from one address.")
    change_rate: str = Field("60/hour", pattern=RATE, description="Changes that an account makes to itself.")
    redis_url: SecretStr | None = Field(
        None,
        description="`redis://user:password@host:6379/0`, for limits that all processes share; else each counts alone.",
    )
    refuse_common_passwords: bool | None = Field(
        None,
        description="Refuse common passwords and those like the user name or address; by default in production alone.",
    )
