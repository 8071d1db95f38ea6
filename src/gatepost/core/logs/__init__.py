"""The log: single lines in one format, whichever library writes them, and without secrets."""
