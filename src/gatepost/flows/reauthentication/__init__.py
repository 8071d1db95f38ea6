"""Proving one's identity again, within a session."""
