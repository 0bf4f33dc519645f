"""One server for each module that asks one."""

from tests.serving.v2.conftest import server

__all__ = ["server"]
