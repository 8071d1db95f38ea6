"""The public keys of the service."""
