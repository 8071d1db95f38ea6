"""The engines for identities: accounts, credentials, tokens, sessions. They have no routes and no import cycles."""
