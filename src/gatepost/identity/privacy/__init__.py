"""Deletes accounts, and exports what is stored about their owners."""
