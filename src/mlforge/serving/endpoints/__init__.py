"""The endpoints, one module each, with `routes(context)`, and `paths(context)` for OpenAPI."""
