"""Who you are: users, their roles, registration, the profile."""
