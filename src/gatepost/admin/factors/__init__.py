"""Second factors of other people's accounts."""
