"""What clients read to know the service: its public keys."""
