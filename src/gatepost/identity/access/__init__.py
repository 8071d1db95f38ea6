"""Access control: authenticates requests, and checks the roles and permissions that routes require."""
