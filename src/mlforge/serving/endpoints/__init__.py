"""What a server answers: one module an endpoint, each with `routes(context)`, and `paths(context)` for the description of the interface."""
