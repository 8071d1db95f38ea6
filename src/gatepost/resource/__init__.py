"""The earlier name of `gatepost.sdk`, for programs that import it."""

import warnings
from typing import Any

from gatepost import sdk

__all__ = sdk.__all__

warnings.warn("gatepost.resource is called gatepost.sdk now", DeprecationWarning, stacklevel=2)


def __getattr__(name: str) -> Any:
    return getattr(sdk, name)
