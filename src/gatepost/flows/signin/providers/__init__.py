"""Signing in with an account at another provider: going there, coming back, and what follows."""
