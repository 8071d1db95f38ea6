"""Proving an address, recovering an account, and taking back what somebody else did."""
