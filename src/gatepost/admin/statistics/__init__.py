"""How many a day, and how many now: figures that are counted in the background, for whoever looks after the service."""
