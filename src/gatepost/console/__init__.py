"""The web pages: skeletons rendered on the server, which small scripts fill through the public API."""
