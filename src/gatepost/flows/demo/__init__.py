"""The four demo boards: one for everybody, one for each role. They show how a route requires a role."""
