"""Administration of roles and their permissions."""
