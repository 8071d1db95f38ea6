"""Other people's accounts at other providers."""
