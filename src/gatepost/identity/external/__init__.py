"""Accounts that people have at other providers: which are linked, and authorizations that are under way."""
