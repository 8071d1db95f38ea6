"""What operations watch."""
