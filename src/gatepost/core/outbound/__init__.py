"""Requests to addresses of others. No other part of the service imports httpx.

docs/decisions/0033-outbound.md says why each rule is there.
"""

from gatepost.core.outbound.client import Answer, Outbound
from gatepost.core.outbound.errors import Cause, OutboundError

__all__ = ["Answer", "Cause", "Outbound", "OutboundError"]
