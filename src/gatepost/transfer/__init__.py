"""Moving accounts in from another system, and out again."""
