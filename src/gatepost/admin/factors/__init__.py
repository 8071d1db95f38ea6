"""Administration of second factors."""
