"""How often: wrong guesses of passwords, and everything else that a stranger could ask for without end."""
