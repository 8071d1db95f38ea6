"""Verifying addresses, recovering accounts, and undoing what somebody else did."""
