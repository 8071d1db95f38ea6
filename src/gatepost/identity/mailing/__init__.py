"""Mails at the moment of sending: their words and links are made then, so that no token lies in the outbox."""
