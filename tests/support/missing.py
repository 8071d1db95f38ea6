"""What a test needs and this machine does not have."""

import os
import shutil
from typing import NoReturn

import pytest


def lacking(reason: str) -> NoReturn:
    """Skip, saying what to install; fail where CI says that it must be there."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def program(name: str, *, package: str) -> str:
    """Return the path of a program; skip where it is missing, or fail where CI says that it must be there."""
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin"]))
    if found is None:
        lacking(f"no {name} on the PATH: install {package}")
    return found
