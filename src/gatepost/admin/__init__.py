"""Looking after accounts, roles, invitations, keys and the audit log: routes under /api/admin."""
