"""Proving who you are: by password, as JSON or as the OAuth 2.0 form."""
