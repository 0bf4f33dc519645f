"""Servers from which sources read."""

from tests.servers import bucket, postgres, postgres_url, s3_server

__all__ = ["bucket", "postgres", "postgres_url", "s3_server"]
