"""An account at another provider, in the place of a password: signing in with it, and linking it."""
