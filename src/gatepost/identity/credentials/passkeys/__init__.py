"""Passkeys (WebAuthn Level 3): the options for browsers, and the verification of their responses.

No routes and no tables. `options.py` builds the options, `registration.py` and `authentication.py` verify the
responses, and `relying_party.py` checks the settings.
"""
