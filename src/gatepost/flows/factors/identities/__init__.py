"""One's own accounts at other providers: seeing, linking and unlinking them."""
