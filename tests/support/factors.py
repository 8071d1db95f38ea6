"""Second factors, as an app and a piece of paper have them."""

import base64
from dataclasses import dataclass, replace
from datetime import datetime

import httpx
from sqlalchemy import update

from gatepost.composition.services import Services
from gatepost.identity.accounts.models import User
from gatepost.identity.credentials.totp.codes import code_at, step_at
from tests.support.api import PASSWORD, Api, Person

ME = "/api/users/me"


@dataclass(frozen=True)
class App:
    """An authenticator app, and the recovery codes beside it."""

    secret: bytes
    recovery_codes: list[str]

    def code(self, now: datetime, *, away: int = 0) -> str:
        """Return the code that it shows at a moment, or so many steps later."""
        return code_at(self.secret, step_at(now) + away)


def secret_of(answer: httpx.Response) -> bytes:
    """Return the secret that an answer shows."""
    text: str = answer.json()["secret"]
    return base64.b32decode(text + "=" * (-len(text) % 8))


async def prove_address(services: Services, person: Person) -> None:
    """Let the address of an account be proved."""
    now = services.platform.clock.now()
    async with services.platform.database.begin() as tx:
        await tx.execute(update(User).where(User.id == person.id).values(email_verified_at=now, first_verified_at=now))


async def set_up_app(api: Api, services: Services, person: Person) -> App:
    """Give somebody an authenticator app; its first code is used up."""
    await prove_address(services, person)
    body = {"password": person.password} if person.password else None
    begun = await api.post(f"{ME}/totp", json=body, headers=person.headers)
    assert begun.status_code == 200, begun.text
    app = App(secret_of(begun), [])
    code = app.code(services.platform.clock.now())
    confirmed = await api.post(f"{ME}/totp/confirm", json={"code": code}, headers=person.headers)
    assert confirmed.status_code == 200, confirmed.text
    return App(app.secret, confirmed.json()["recoveryCodes"])


async def begin_sign_in(api: Api, person: Person, password: str = PASSWORD, **headers: str) -> httpx.Response:
    """Sign in by password alone."""
    body = {"username": person.username, "password": password}
    return await api.post("/api/auth/signin", json=body, headers=headers)


async def pending_token(api: Api, person: Person, password: str = PASSWORD) -> str:
    """Return the token of a sign-in that waits for the second factor."""
    answer = await begin_sign_in(api, person, password)
    assert (answer.status_code, answer.json()["code"]) == (401, "second_factor_required"), answer.text
    token: str = answer.json()["pendingToken"]
    return token


async def go_on(api: Api, token: str, code: str, method: str = "totp", **headers: str) -> httpx.Response:
    """Go on with a sign-in."""
    body = {"pendingToken": token, "method": method, "code": code}
    return await api.post("/api/auth/signin/continue", json=body, headers=headers)


async def prove_again(api: Api, person: Person, proof: str, method: str = "totp") -> Person:
    """Prove once more who somebody is, and return them with the token that says so."""
    body = {"method": method, "password" if method == "password" else "code": proof}
    answer = await api.post("/api/auth/reauthenticate", json=body, headers=person.headers)
    assert answer.status_code == 200, answer.text
    return replace(person, access_token=answer.json()["accessToken"])


async def refreshed(api: Api, person: Person) -> Person:
    """Return somebody with the token that says what their session has proved by now."""
    answer = await api.refresh(person.refresh_token)
    assert answer.status_code == 200, answer.text
    body = answer.json()
    return replace(person, access_token=body["accessToken"], refresh_token=body["refreshToken"])
