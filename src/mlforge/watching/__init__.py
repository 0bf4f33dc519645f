"""`mlforge watch`: models looked after by one process that looks at their logs, trains them again when that is due, and takes versions back that do badly."""
