"""One's own second factors and trusted devices: seeing them, setting one up, removing it."""
