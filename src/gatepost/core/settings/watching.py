"""Settings for monitoring: what is logged, and who may read the metrics."""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, Field, SecretStr


class LogLevel(StrEnum):
    """The lowest level of the lines that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """The format of a log line: a JSON object, or text for people."""

    JSON = "json"
    CONSOLE = "console"


class LogAddresses(StrEnum):
    """How much of a client's address is logged: all, its network (/24, or /48 for IPv6), or nothing."""

    FULL = "full"
    NETWORK = "network"
    NONE = "none"


class WatchingSettings(BaseModel):
    """Logging, metrics and traces."""

    log_level: LogLevel = Field(LogLevel.INFO, description="`debug`, `info`, `warning` or `error`.")
    log_format: LogFormat | None = Field(
        None, description="`json` or `console`; by default `json` in production and `console` in development."
    )
    log_addresses: LogAddresses = Field(
        LogAddresses.NETWORK,
        description="Client addresses in the log: `full`, `network` (/24, /48 of IPv6) or `none`.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="Bearer token required for /metrics; without it, only direct callers from private addresses may "
        "read.",
    )
    metrics_dir: Path | None = Field(
        None,
        description="Empty folder in which workers share their metrics; `gatepost serve` creates one itself.",
    )
    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#]+$",
        description="Trace collector (OTLP over HTTP), such as `http://localhost:4318`; needs `gatepost[otel]`.",
    )
