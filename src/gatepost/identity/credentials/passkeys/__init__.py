"""Passkeys (WebAuthn Level 3): the options for browsers, the verification of their responses, and signing in with them.

The engine has no tables: `options.py` builds the options, `registration.py` and `authentication.py` verify the
responses, and `relying_party.py` checks the settings. `challenges.py`, `repository.py`, `method.py` and `signing_in.py`
connect it to the accounts.
"""
