"""Where a server may listen without protection."""

from __future__ import annotations

import pytest

from mlforge.errors import RecipeError
from mlforge.service.access import Access, Tls
from mlforge.serving.access.listening import listening_allowed, loopback

TLS = Tls(certificate="c", key="k")


@pytest.mark.parametrize(("host", "is_loopback"), [
    ("127.0.0.1", True), ("127.8.9.10", True), ("::1", True), ("[::1]", True), ("localhost", True),
    ("0.0.0.0", False), ("::", False), ("10.0.0.1", False), ("localhost.example.org", False), ("2130706433", False), ("", False),
])  # fmt: skip
def test_loopback_is_what_only_this_machine_reaches(host: str, is_loopback: bool) -> None:
    assert loopback(host) == is_loopback


@pytest.mark.parametrize(
    ("access", "lacks"),
    [
        (Access(), "connections would be plain (no TLS) and nobody would need a key"),
        (Access(tls=TLS), "nobody would need a key"),
        (Access(keys="k"), "connections would be plain (no TLS)"),
        (Access(keys="k", tls=TLS), ""),
        (Access(insecure=True), ""),
    ],
)
def test_beyond_this_machine_tls_and_keys_are_needed_unless_said_otherwise(access: Access, lacks: str) -> None:
    listening_allowed("127.0.0.1", access)
    if lacks:
        with pytest.raises(RecipeError) as error:
            listening_allowed("0.0.0.0", access)
        assert f"would reach this server, and {lacks}" in str(error.value)
    else:
        listening_allowed("0.0.0.0", access)
