"""The audit log: an append-only record of events, each written in the transaction that causes it."""
