"""How many a day, and how many now: statistics that are counted in the background."""
