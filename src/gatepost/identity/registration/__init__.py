"""Making accounts, at once or once an address is proved."""
