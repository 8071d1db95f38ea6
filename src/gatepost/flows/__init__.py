"""The use cases of people and clients: one folder with routes for each. They do not import each other."""
