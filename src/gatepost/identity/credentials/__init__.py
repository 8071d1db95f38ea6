"""What proves a person: rules for passwords, and the hashes that are in use."""
