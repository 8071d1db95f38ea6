"""What all routes share: problem responses, the checks of bodies, OpenAPI and the documentation pages."""
