"""The command line: the same services as behind the routes, from a shell."""
