"""Hooks of Schemathesis: who is signed in stays signed in, whatever a call did to the session or the account.

A call may end the session that it was sent with (`signout-all`), make its token stale (another name) or take the
account away. Left alone, every later call would be answered 401, and the run would pass without having tested anything.
So the token is tried again after each call that changed something, and replaced where it has gone.
"""

import atexit
import json
import os
from collections import Counter
from pathlib import Path
from typing import Any

import httpx
import schemathesis

from tests.fuzz import framing  # noqa: F401  its hook is wanted, too
from tests.support.api import PASSWORD
from tests.support.server import run_gatepost

URL = os.environ["FUZZ_URL"]
WHO = os.environ["FUZZ_WHO"]
FOLDER = Path(os.environ["FUZZ_FOLDER"])
ANSWERED = Path(os.environ["FUZZ_ANSWERED"])
READING = ("GET", "HEAD", "OPTIONS", "TRACE")


class NoToken(Exception):
    """There is no good token to be had; an AssertionError would be told as a fault of the document."""


class Visitor:
    """Somebody with an access token that is good at each call."""

    def __init__(self) -> None:
        self._http = httpx.Client(base_url=URL, trust_env=False)
        self._accounts = 1
        self._name = WHO
        self._token = "none yet"
        self._issued: set[str] = set()
        self._is_doubtful = True
        self.answered: Counter[str] = Counter()

    def token(self) -> str:
        """Return a token that the service takes now."""
        if self._is_doubtful and not self._asked().is_success:
            self._token = self._signed_in() or self._with_new_account()
            answer = self._asked()
            if not answer.is_success:
                raise NoToken(answer.text)
            self._issued.add(f"Bearer {self._token}")
        self._is_doubtful = False
        return self._token

    def note(self, operation: str, response: Any) -> None:
        """Remember an answer; it is no answer to this visitor where the call had another token, or none."""
        succeeded = 200 <= response.status_code < 300
        if succeeded and response.request.method not in READING:
            self._is_doubtful = True
        if succeeded and self.sent(response):
            self.answered[operation] += 1
        if response.status_code == 401 and b"step_up_required" in response.content:
            # The sign-in is longer ago than such calls allow.
            self._token, self._is_doubtful = "too old", True

    def sent(self, response: Any) -> bool:
        """Say whether the call had the token."""
        return self.was_issued(response.request.headers.get("Authorization"))

    def was_issued(self, authorization: object) -> bool:
        """Say whether this is a token of the visitor, of now or before."""
        return authorization in self._issued

    def _asked(self) -> httpx.Response:
        return self._http.get("/api/users/me", headers={"Authorization": f"Bearer {self._token}"})

    def _signed_in(self) -> str | None:
        answer = self._sign_in()
        return str(answer.json()["accessToken"]) if answer.is_success else None

    def _sign_in(self) -> httpx.Response:
        body = {"email": f"{self._name}@example.com", "password": PASSWORD}
        return self._http.post("/api/auth/signin", json=body)

    def _with_new_account(self) -> str:
        self._accounts += 1
        self._name = f"{WHO}{self._accounts}"
        email = f"{self._name}@example.com"
        if WHO == "boss":
            arguments = ("create-admin", "--username", self._name, "--email", email, "--password-stdin")
            run_gatepost(*arguments, folder=FOLDER, env=dict(os.environ), stdin=PASSWORD + "\n")
        else:
            body = {"username": self._name, "email": email, "password": PASSWORD}
            self._http.post("/api/auth/signup", json=body).raise_for_status()
        answer = self._sign_in()
        if not answer.is_success:
            raise NoToken(answer.text)
        return str(answer.json()["accessToken"])


visitor = Visitor()


@schemathesis.auth(refresh_interval=None)
class SignedIn:
    """Sends the visitor's token with each call."""

    def get(self, _case: schemathesis.Case[Any], _context: schemathesis.AuthContext) -> str:
        return visitor.token()

    def set(self, case: schemathesis.Case[Any], token: str, _context: schemathesis.AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {token}"


@schemathesis.hook
def before_call(_context: schemathesis.HookContext, case: schemathesis.Case[Any], _kwargs: dict[str, Any]) -> None:
    # Many calls are made up before the first of them is sent.
    if visitor.was_issued(case.headers.get("Authorization")):
        case.headers["Authorization"] = f"Bearer {visitor.token()}"


@schemathesis.hook
def after_call(
    _context: schemathesis.HookContext, case: schemathesis.Case[Any], response: schemathesis.Response
) -> None:
    visitor.note(case.operation.label, response)


@schemathesis.check
def good_token_is_taken(_context: Any, response: schemathesis.Response, case: schemathesis.Case[Any]) -> None:
    """The token was good when the call was sent: no answer may say otherwise."""
    if response.status_code == 401 and visitor.sent(response):
        code = response.json()["code"]
        assert not code.startswith("token_"), f"{case.operation.label}: {code}"


@atexit.register
def _tell() -> None:
    ANSWERED.write_text(json.dumps(visitor.answered))
