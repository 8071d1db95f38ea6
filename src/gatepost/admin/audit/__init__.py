"""The audit log for readers."""
