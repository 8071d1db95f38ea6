"""Configures logging: all lines have one format, whether from our code, uvicorn or another library."""

import logging
import sys
from collections.abc import Mapping
from typing import Any

import structlog
from structlog.typing import EventDict, WrappedLogger

from gatepost.core.logs.context import NOBODY, REQUEST
from gatepost.core.logs.lines import LineWriter, standard_error
from gatepost.core.logs.request_line import RequestLog, Timestamps
from gatepost.core.logs.scrubbing import formatted
from gatepost.core.settings import LogFormat, Settings

OF_REQUEST = ("request_id", "trace_id")


def request_log(settings: Settings, writer: LineWriter | None = None) -> RequestLog:
    """Return the writer of the line about each request."""
    return RequestLog(
        writer or standard_error(),
        style=settings.log_style,
        level=settings.log_level,
        addresses=settings.log_addresses,
    )


def logging_config(settings: Settings) -> dict[str, Any]:
    """Return the configuration of `logging`, for uvicorn to apply in each of its processes.

    Libraries log from the level of warnings on: at lower levels some of them write the parameters of queries and the
    fields of forms.
    """
    levels = logging.getLevelNamesMapping()
    ours = levels[settings.log_level.upper()]
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "handlers": {"lines": {"()": "gatepost.core.logs.setup.LineHandler", "style": settings.log_style.value}},
        "root": {"handlers": ["lines"], "level": max(logging.WARNING, ours)},
        "loggers": {"gatepost": {"level": ours}, "uvicorn": {"level": max(logging.INFO, ours)}},
    }


class LineHandler(logging.Handler):
    """Writes the records of `logging` as lines."""

    def __init__(self, style: str, writer: LineWriter | None = None) -> None:
        super().__init__()
        self._writer = writer or standard_error()
        self._writer.say_lost = self._say_lost
        self.setFormatter(
            structlog.stdlib.ProcessorFormatter(
                foreign_pre_chain=[
                    structlog.stdlib.add_logger_name, structlog.stdlib.add_log_level, _add_exception,
                ],
                processors=[
                    _Stamp(), _add_request,
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta, _renderer(LogFormat(style)),
                ],
            )
        )  # fmt: skip

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line; a failure here never reaches the code that logs."""
        try:
            self._writer.write(self._line(record))
        except Exception:  # noqa: BLE001  `logging` asks its handlers to keep their own failures
            self.handleError(record)

    def _say_lost(self, count: int) -> bytes:
        said = "lines of the log were lost before this one, since nobody read it: %d"
        return self._line(logging.LogRecord("gatepost", logging.WARNING, __file__, 0, said, (count,), None))

    def _line(self, record: logging.LogRecord) -> bytes:
        return f"{self.format(record)}\n".encode("utf-8", "replace")


class _Stamp:
    def __init__(self) -> None:
        self._now = Timestamps()

    def __call__(self, _logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
        event = line.pop("event")
        return {"timestamp": self._now(), "level": line.pop("level"), "event": event, **line}


def _add_request(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    state: Mapping[str, Any] = REQUEST.get(NOBODY)
    return {**line, **{name: state[name] for name in OF_REQUEST if name in state}}


def _add_exception(_logger: WrappedLogger, _name: str, line: EventDict) -> EventDict:
    record: logging.LogRecord = line["_record"]
    line.pop("exc_info", None)
    line.pop("stack_info", None)
    if record.exc_info and record.exc_info[0] is not None:
        line["exception"] = formatted(record.exc_info)
    elif record.exc_text:
        line["exception"] = record.exc_text
    return line


def _renderer(style: LogFormat) -> Any:
    if style is LogFormat.JSON:
        # ASCII only: some readers also treat U+2028 or U+0085 as line ends.
        return structlog.processors.JSONRenderer()
    return structlog.dev.ConsoleRenderer(
        colors=sys.stderr.isatty(), pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
    )
