"""The user's own account: profile, data export, deletion."""
