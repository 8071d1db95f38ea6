"""Who sends a request, as far as the network tells."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Client:
    """A device: its address (IPv4 or IPv6 text, empty where unknown) and its User-Agent, at most 255 characters."""

    address: str = ""
    user_agent: str = ""
