"""A store that speaks S3."""

from tests.servers import bucket, s3_server

__all__ = ["bucket", "s3_server"]
