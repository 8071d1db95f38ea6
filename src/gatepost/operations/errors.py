"""What can go wrong in operations."""

from gatepost.core.errors import Unauthorized, Unavailable


class SchemaOutdated(Unavailable):
    """The database is at another schema than this version of the service works with."""

    code = "schema_outdated"
    title = "Schema outdated"
    message = "The database is at another schema. Run: gatepost migrate"


class KeysMissing(Unavailable):
    """There is no key to sign access tokens with."""

    code = "keys_missing"
    title = "Keys missing"
    message = "There is no key to sign tokens with."


class MetricsUnauthorized(Unauthorized):
    """The metrics are for who holds `METRICS_TOKEN`, and without it for callers inside the network alone."""

    code = "metrics_unauthorized"
    title = "Metrics unauthorized"
    message = "Send METRICS_TOKEN as a bearer token; without that setting, ask from inside the network, past the proxy."
