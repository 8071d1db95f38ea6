"""Invitations of people, with the roles that they will have."""
