"""What people and clients do, a folder a use case with its routes; none imports another."""
