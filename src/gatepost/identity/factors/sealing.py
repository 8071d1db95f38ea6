"""Opening what a second factor has sealed, while its owner waits."""

import logging

from gatepost.core.crypto.sealing import SealError, SecretBox
from gatepost.identity.accounts.models import User
from gatepost.identity.factors.errors import FactorUnreadable
from gatepost.identity.factors.methods import Method
from gatepost.identity.factors.models import owner_of

logger = logging.getLogger("gatepost")


def open_sealed(box: SecretBox, sealed: str, user: User, *, method: Method) -> bytes:
    """Return the secret of an account.

    Raises:
        FactorUnreadable: no SECRET_KEY of this process opens it; the log says so.
    """
    try:
        return box.open(sealed, owner=owner_of(user))
    except SealError as error:
        logger.error(  # noqa: TRY400  the cause is the setting
            "the second factor %s of account %d cannot be opened: neither SECRET_KEY nor SECRET_KEY_PREVIOUS has "
            "sealed it. Set SECRET_KEY_PREVIOUS to the key of that time, or run gatepost factors reset '#%d'",
            method.value, user.id, user.id,
        )  # fmt: skip
        raise FactorUnreadable from error
