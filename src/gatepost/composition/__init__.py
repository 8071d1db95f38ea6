"""Builds every service once, from the settings: the platform, identity, flows, administration, operations."""
