"""The earlier name of `gatepost.sdk`, for programs that import it."""

import warnings

from gatepost import sdk
from gatepost.sdk import *  # noqa: F403  the same names

warnings.warn("gatepost.resource is called gatepost.sdk now", DeprecationWarning, stacklevel=2)

__all__ = sdk.__all__


def __getattr__(name: str) -> object:
    return getattr(sdk, name)
