"""The code that every feature builds on. It knows no feature and no FastAPI."""
