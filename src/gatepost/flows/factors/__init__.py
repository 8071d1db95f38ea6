"""One's own second factors: seeing them, setting one up, removing it."""
