"""The former name of `gatepost.sdk`, for programs that still import it."""

import warnings
from typing import Any

from gatepost import sdk

# Former names of classes.
FORMER_NAMES = {"Principal": "UserPrincipal"}

__all__ = [*sdk.__all__, *FORMER_NAMES]

warnings.warn("gatepost.resource is called gatepost.sdk now", DeprecationWarning, stacklevel=2)


def __getattr__(name: str) -> Any:
    return getattr(sdk, FORMER_NAMES.get(name, name))
