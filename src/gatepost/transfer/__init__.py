"""Importing accounts from other systems, and exporting them."""
