"""For other services: client authentication, introspection, and the revocation feed."""
