"""`mlforge watch`: one supervising process that monitors request logs, retrains models when that is due, and rolls back versions that do badly."""
