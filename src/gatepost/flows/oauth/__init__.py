"""Other services: how they prove who they are, introspect tokens and follow the revocation feed."""
