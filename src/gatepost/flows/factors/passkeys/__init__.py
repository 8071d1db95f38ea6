"""One's own passkeys: seeing them, adding, naming and removing them, and an account that has nothing else."""
