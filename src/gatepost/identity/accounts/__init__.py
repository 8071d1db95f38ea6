"""Accounts: users, their names, roles and permissions."""
