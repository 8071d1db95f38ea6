"""One's own account: its profile, its data, its deletion."""
