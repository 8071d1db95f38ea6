"""Access and refresh tokens: issuing, reading, and knowing which are revoked."""
