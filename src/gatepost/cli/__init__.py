"""The command line: uses the same services as the routes."""
