"""The four boards: one for all, one for each role; they show how a route asks for a role."""
