"""Making an account of one's own."""
