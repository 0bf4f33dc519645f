"""`mlforge serve`: models behind HTTP, in supervised worker processes that share one listening socket."""
