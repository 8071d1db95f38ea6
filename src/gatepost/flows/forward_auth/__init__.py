"""Answers reverse proxies that ask before they let a request through."""
