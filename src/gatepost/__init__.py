"""Gatepost: accounts, roles, sessions and tokens behind one REST service."""

from importlib.metadata import version

__version__ = version("gatepost")
