"""What happened: an append-only record, written in the transaction that caused it."""
