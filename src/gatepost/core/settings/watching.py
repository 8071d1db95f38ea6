"""The settings of the log, metrics and traces."""

from enum import StrEnum
from pathlib import Path

from pydantic import BaseModel, Field, SecretStr


class LogLevel(StrEnum):
    """The lowest level that is logged."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class LogFormat(StrEnum):
    """The format of a log line: a JSON object, or text for people."""

    JSON = "json"
    CONSOLE = "console"


class LogAddresses(StrEnum):
    """How much of a client's address is logged: all of it, its network (/24, or /48 for IPv6), or nothing."""

    FULL = "full"
    NETWORK = "network"
    NONE = "none"


class WatchingSettings(BaseModel):
    """What is logged, and who may read the metrics."""

    log_level: LogLevel = Field(LogLevel.INFO, description="`debug`, `info`, `warning` or `error`.")
    log_format: LogFormat | None = Field(
        None, description="`json` or `console`. Default: `json` in production, `console` in development."
    )
    log_addresses: LogAddresses = Field(
        LogAddresses.NETWORK,
        description="Client addresses in the log: `full`, `network` (/24, or /48 for IPv6) or `none`.",
    )
    metrics_token: SecretStr | None = Field(
        None,
        description="Bearer token required by /metrics. Without it, only callers inside the network may read the "
        "metrics.",
    )
    metrics_dir: Path | None = Field(
        None,
        description="Empty folder in which workers share their metrics. `gatepost serve` creates one by default.",
    )
    otel_exporter_otlp_endpoint: str | None = Field(
        None,
        pattern=r"^https?://[^\s?#]+$",
        description="Collector for traces (OTLP over HTTP), such as `http://localhost:4318`. Requires "
        "`gatepost[otel]`.",
    )
