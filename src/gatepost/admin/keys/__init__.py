"""The life of signing keys, and their rotation."""
