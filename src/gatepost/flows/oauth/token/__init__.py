"""The token endpoint."""
