"""Access and refresh tokens: issuing, reading and revoking them."""
