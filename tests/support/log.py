"""The log as its readers get it: what comes out of standard error, line by line."""

import json
import logging
import logging.config
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from gatepost.core.logs.lines import standard_error
from gatepost.core.logs.setup import logging_config
from gatepost.core.settings import Settings

OURS = ("", "gatepost", "uvicorn", "uvicorn.error")


class Log:
    """What has been written to standard error so far."""

    def __init__(self, captured: pytest.CaptureFixture[str]) -> None:
        self._captured = captured
        self._text = ""

    @property
    def text(self) -> str:
        """All of it."""
        standard_error().flush()
        said = self._captured.readouterr()
        self._text += said.err + said.out
        return self._text

    @property
    def lines(self) -> list[dict[str, Any]]:
        """Every line; each must be one JSON object."""
        return [json.loads(line) for line in self.text.splitlines()]

    @property
    def requests(self) -> list[dict[str, Any]]:
        """The lines about requests."""
        return [line for line in self.lines if line["event"] == "request"]


@contextmanager
def logging_as_served(settings: Settings) -> Iterator[None]:
    """Let `logging` be as uvicorn sets it up for us, until the block ends."""
    loggers = [logging.getLogger(name) for name in OURS]
    before = [(logger.level, list(logger.handlers)) for logger in loggers]
    logging.config.dictConfig(logging_config(settings))
    # A server that an earlier test ran in this process has set up these for itself.
    logging.getLogger("uvicorn").propagate = True
    logging.getLogger("uvicorn.error").setLevel(logging.NOTSET)
    try:
        yield
    finally:
        for logger, (level, handlers) in zip(loggers, before, strict=True):
            logger.setLevel(level)
            logger.handlers = handlers
