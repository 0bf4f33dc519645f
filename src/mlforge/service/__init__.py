"""What recipes, servers and monitors share: how a model is served, and the files that a server leaves."""
