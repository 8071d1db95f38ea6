"""For other services: verifies Gatepost's access tokens, without the packages of the server.

`TokenVerifier` needs only cryptography. `Gatepost` also follows revocations and has dependencies for FastAPI; it needs
`gatepost[fastapi]`, and is loaded on first use.
"""

import importlib
from typing import TYPE_CHECKING, Any

from gatepost.core.errors import Unauthorized, Unavailable
from gatepost.identity.tokens.principal import UserPrincipal
from gatepost.sdk.verifier import TokenVerifier

if TYPE_CHECKING:
    from gatepost.sdk.client import Gatepost

__all__ = ["Gatepost", "TokenVerifier", "Unauthorized", "Unavailable", "UserPrincipal"]


def __getattr__(name: str) -> Any:
    """Load `Gatepost` on first use.

    Raises:
        ModuleNotFoundError: FastAPI or httpx is not installed; the message says how to install them.
    """
    if name != "Gatepost":
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    try:
        return importlib.import_module("gatepost.sdk.client").Gatepost
    except ModuleNotFoundError as error:
        if error.name in ("fastapi", "httpx"):
            message = "gatepost.sdk.Gatepost needs FastAPI and httpx: pip install 'gatepost[fastapi]'"
            raise ModuleNotFoundError(message, name=error.name) from error
        raise
