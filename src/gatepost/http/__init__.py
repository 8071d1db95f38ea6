"""What every route shares: errors as answers, the guard before a body is read, the documentation pages."""
