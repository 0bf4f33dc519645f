"""Where the curves of a fit are written while it goes on."""
