"""How requests are read from a connection, and how connections end."""
