"""Sessions: opening and refreshing them, their tokens and cookies, and ending them everywhere at once."""
