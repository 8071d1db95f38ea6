"""For other services: `Gatepost(issuer=…)` verifies our access tokens in any FastAPI app.

It needs FastAPI, httpx and python-jose[cryptography], and nothing of the service's database.
"""

from gatepost.access.principal import Principal
from gatepost.core.errors import Unauthorized, Unavailable
from gatepost.resource.client import Gatepost

__all__ = ["Gatepost", "Principal", "Unauthorized", "Unavailable"]
