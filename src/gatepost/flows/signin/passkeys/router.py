"""Signing in with a passkey, over HTTP."""

from fastapi import APIRouter, Response

from gatepost.flows.signin.passkeys.deps import PasskeyMethodDep, PasskeySignInDep
from gatepost.flows.signin.passkeys.schemas import (
    PasskeyOptionsRequest,
    PasskeySignInRequest,
    RelatedOriginsResponse,
)
from gatepost.http.deps import RequestInfoDep
from gatepost.http.openapi import problems
from gatepost.identity.accounts.errors import AccountDisabled, EmailUnverified
from gatepost.identity.assurance.deps import HandoutDep, SignInServiceDep
from gatepost.identity.assurance.errors import PasskeyInvalid, PendingSignInInvalid
from gatepost.identity.credentials.passkeys.errors import PasskeysUnavailable
from gatepost.identity.credentials.passkeys.schemas import RequestOptionsResponse
from gatepost.identity.sessions.handout import SignInResponse
from gatepost.identity.throttling.deps import DeviceDep, PasskeyLimit
from gatepost.identity.throttling.errors import TooManyRequests

router = APIRouter()

CACHED_SECONDS = 3600


@router.post(
    "/api/auth/passkeys/options",
    summary="Ask for a passkey",
    tags=["sign in"],
    dependencies=[PasskeyLimit],
    responses=problems(PendingSignInInvalid, PasskeysUnavailable, TooManyRequests),
)
async def ask_for_passkey(body: PasskeyOptionsRequest, service: PasskeySignInDep) -> RequestOptionsResponse:
    """Options for the browser. Without a `pendingToken` they are the same for everybody, but for the challenge.

    With one, they name the passkeys of that account, and the answer goes to `POST /api/auth/signin/continue`.
    """
    return RequestOptionsResponse.of(await service.ask(body.pending_token))


@router.post(
    "/api/auth/passkeys/signin",
    summary="Sign in with a passkey",
    tags=["sign in"],
    responses=problems(PasskeyInvalid, AccountDisabled, EmailUnverified, TooManyRequests),
)
async def sign_in_with_passkey(
    body: PasskeySignInRequest,
    passkeys: PasskeySignInDep,
    service: SignInServiceDep,
    handout: HandoutDep,
    info: RequestInfoDep,
    device: DeviceDep,
) -> SignInResponse:
    """With what the browser has answered to the options. It is enough alone: the passkey's device verifies its user.

    Each challenge works once. Every invalid response gets the same answer.
    """
    attempt = passkeys.attempt(body.challenge_id, body.credential, info=info, device=device)
    signed_in = await service.sign_in(attempt, replaces=handout.replaces)
    return SignInResponse.of(signed_in, with_tokens=handout.deliver(signed_in))


@router.get("/.well-known/webauthn", summary="The origins of related sites", tags=["for other services"])
async def related_origins(response: Response, passkeys: PasskeyMethodDep) -> RelatedOriginsResponse:
    """Origins of PASSKEY_ORIGINS on other sites. Browsers ask for it where a page of one of them uses a passkey."""
    response.headers["Cache-Control"] = f"public, max-age={CACHED_SECONDS}"
    rp = passkeys.relying_party
    return RelatedOriginsResponse(origins=rp.related_origins if rp is not None else [])
