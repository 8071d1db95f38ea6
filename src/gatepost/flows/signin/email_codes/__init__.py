"""Signing in with a code by mail."""
