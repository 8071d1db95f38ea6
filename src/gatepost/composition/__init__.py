"""Builds every service once, from the settings: the platform, who people are, what they do, administration."""
