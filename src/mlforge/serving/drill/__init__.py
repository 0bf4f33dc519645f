"""Rehearsals of what goes wrong in a server, with the model that is served and a server of its own."""
