"""What was asked and answered, and the labels that come later: put aside in a worker, written by a thread."""
