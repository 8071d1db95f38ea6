"""Deleting an account, and giving its owner what is stored about them."""
