"""The earlier name of `gatepost.sdk`, for programs that import it."""

import warnings
from typing import Any

from gatepost import sdk

# What it was called here.
FORMER_NAMES = {"Principal": "UserPrincipal"}

__all__ = [*sdk.__all__, *FORMER_NAMES]

warnings.warn("gatepost.resource is called gatepost.sdk now", DeprecationWarning, stacklevel=2)


def __getattr__(name: str) -> Any:
    return getattr(sdk, FORMER_NAMES.get(name, name))
