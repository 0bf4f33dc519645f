"""What a server answers: one module an endpoint, each with `routes(desk)`, and `paths(desk)` for the description of the interface."""
