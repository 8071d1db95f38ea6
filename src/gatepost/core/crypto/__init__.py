"""Password hashes, signatures, and what is derived from the secret key."""
