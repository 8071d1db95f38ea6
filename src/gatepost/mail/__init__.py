"""Mail: an outbox that is written in the transaction that causes a mail, and the worker that sends it."""
