"""What routes ask for that want a proof."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Annotated

from fastapi import Body, Depends

from gatepost.core.crypto.hashing_pool import HashingBusy
from gatepost.http.deps import RequestInfoDep, provided
from gatepost.identity.access.deps import CurrentUser
from gatepost.identity.accounts.errors import UserNotFound, WrongPassword
from gatepost.identity.accounts.models import User
from gatepost.identity.credentials.password import PasswordMethod
from gatepost.identity.credentials.reauthentication import Reauthentication
from gatepost.identity.credentials.schemas import PasswordProof
from gatepost.identity.throttling.errors import TooManyAttempts, TooManyRequests
from gatepost.identity.tokens.step_up import FRESH_FOR, StepUpRequired

PasswordMethodDep = Annotated[PasswordMethod, Depends(provided(PasswordMethod))]
ReauthenticationDep = Annotated[Reauthentication, Depends(provided(Reauthentication))]

# What `Reauthentication.confirm` refuses with.
OF_PROOFS = (StepUpRequired, WrongPassword, TooManyAttempts, TooManyRequests, UserNotFound, HashingBusy)


def require_fresh(seconds: int = int(FRESH_FOR.total_seconds())) -> Callable[..., Awaitable[None]]:
    """Return a dependency that lets those pass who proved who they are so lately, and answers 401 `step_up_required`.

    An account with a second factor has to have shown it. Put it behind what says who may call the route.
    """

    async def check(user: CurrentUser, reauthentication: ReauthenticationDep, info: RequestInfoDep) -> None:
        await reauthentication.confirm(user, info=info, within=timedelta(seconds=seconds))

    return check


async def _confirming(
    user: CurrentUser,
    reauthentication: ReauthenticationDep,
    info: RequestInfoDep,
    body: Annotated[PasswordProof | None, Body()] = None,
) -> Callable[[], Awaitable[User]]:
    return partial(reauthentication.confirm, user, body.password if body else None, info=info)


FreshProof = Depends(require_fresh())
# The route calls it once all else of the request is known to be valid: `Reauthentication.confirm` with the password of
# the body, which may be absent.
Confirm = Annotated[Callable[[], Awaitable[User]], Depends(_confirming)]
