"""Signing in: with a password, a second factor, a passkey."""
