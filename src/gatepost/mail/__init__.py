"""Mail: an outbox that is written with what causes a mail, and the worker that sends it."""
