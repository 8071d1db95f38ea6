"""Prepares mails when they are sent: their texts and links are created then, so that the outbox contains no tokens."""
