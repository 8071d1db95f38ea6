"""Who people are and what proves it: accounts, credentials, tokens, sessions. Engines: no routes, no circles."""
