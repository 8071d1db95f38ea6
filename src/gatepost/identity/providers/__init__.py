"""Signing in by accounts at other providers: OpenID Connect, or OAuth where there is no more. No routes, no tables.

docs/providers.md says how to set them up; docs/decisions/0034-providers.md why it is so.
"""
