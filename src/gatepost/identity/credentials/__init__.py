"""What proves identity: passwords and their rules, passkeys, authenticator apps, recovery codes."""
