"""The life cycle of signing keys, and their rotation."""
