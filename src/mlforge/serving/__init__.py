"""`mlforge serve`: models behind HTTP, in processes that share one socket and are watched over."""
