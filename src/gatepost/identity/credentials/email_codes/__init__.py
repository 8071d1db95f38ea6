"""Codes by mail: six digits that are typed where they were asked for, and a link beside them."""
