"""The same server as replicas on a Ray cluster, behind Ray Serve: `mlforge serve MODEL cluster=ray`."""
