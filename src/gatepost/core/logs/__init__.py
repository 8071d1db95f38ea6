"""The log: one line at a time, the same shape whoever writes it, and no secret in any of them."""
