"""Requests to addresses that others name. Nothing else in the service opens a connection for HTTP.

docs/decisions/0033-outbound.md says why each rule is there.
"""

from gatepost.core.outbound.client import Answer, Outbound
from gatepost.core.outbound.errors import Cause, OutboundError

__all__ = ["Answer", "Cause", "Outbound", "OutboundError"]
