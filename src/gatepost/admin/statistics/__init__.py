"""Statistics per day, counted in the background."""
