"""What an account has set up beside its password."""

from enum import StrEnum

from sqlalchemy import ColumnElement, exists

from gatepost.identity.accounts.models import User
from gatepost.identity.factors.models import TotpSecret


class FactorMethod(StrEnum):
    """How somebody shows more than their password."""

    TOTP = "totp"
    RECOVERY_CODE = "recovery_code"


# Whether an account has a second factor, which every sign-in then wants; recovery codes alone are none. It stands
# beside the account in queries.
HAS_SECOND_FACTOR: ColumnElement[bool] = (
    exists().where(TotpSecret.user_id == User.id, TotpSecret.confirmed_at.is_not(None)).correlate(User)
)
