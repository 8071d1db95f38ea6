"""Administration of accounts, roles, invitations, keys and the audit log: the routes under /api/admin."""
