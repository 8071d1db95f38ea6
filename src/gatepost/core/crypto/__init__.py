"""Password hashes, signatures, and the keys derived from the secret key."""
