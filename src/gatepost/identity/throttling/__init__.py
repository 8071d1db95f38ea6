"""Throttling: limits on wrong guesses and on requests, and known devices."""
