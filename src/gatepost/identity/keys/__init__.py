"""Signing keys: their storage, their lifecycle, and the public keys for verifiers."""
