"""One-time links: their tokens, the mails that carry them, and what makes them void."""
