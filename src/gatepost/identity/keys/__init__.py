"""Signing keys: how they are kept, their life, and the public half that others verify with."""
