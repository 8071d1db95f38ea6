"""Errors of the health checks and metrics."""

from gatepost.core.errors import Unauthorized, Unavailable


class SchemaOutdated(Unavailable):
    """The database schema does not match this version of the service."""

    code = "schema_outdated"
    title = "Schema outdated"
    message = "The database schema does not match this version. Run: gatepost migrate"


class KeysMissing(Unavailable):
    """There is no key to sign access tokens with."""

    code = "keys_missing"
    title = "Keys missing"
    message = "There is no key to sign tokens with."


class MetricsUnauthorized(Unauthorized):
    """The metrics require `METRICS_TOKEN`. If it is not set, they are only for callers inside the network."""

    code = "metrics_unauthorized"
    title = "Metrics unauthorized"
    message = "Send METRICS_TOKEN as a bearer token. If it is not set, connect from inside the network, past the proxy."
