"""Looking after other people's accounts, and after the roles."""
