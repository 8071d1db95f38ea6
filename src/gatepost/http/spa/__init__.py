"""Serving a built single-page app beside the API."""
