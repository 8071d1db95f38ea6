"""For other services: `Gatepost(issuer=…)` verifies our access tokens in any FastAPI app.

It needs FastAPI, httpx and python-jose, and nothing of the service's database.
"""

from gatepost.access.principal import Principal
from gatepost.resource.client import Gatepost

__all__ = ["Gatepost", "Principal"]
