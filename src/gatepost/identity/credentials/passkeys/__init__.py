"""Passkeys (WebAuthn Level 3): what browsers are asked for, and whether what they answer is believed.

An engine without routes and tables: `options.py` asks, `registration.py` and `authentication.py` judge, and
`relying_party.py` says for whom.
"""
