"""One server for each module that asks one."""

from collections.abc import Iterator

import pytest
from tests.serving.v2.server import Server, running


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with running() as started:
        yield started
