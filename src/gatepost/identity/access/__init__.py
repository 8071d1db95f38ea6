"""What you may do: the person behind a request, and the roles that routes ask for."""
