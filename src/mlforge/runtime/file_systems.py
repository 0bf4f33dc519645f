"""File systems at URLs, through fsspec: the one place that says how they are connected to."""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from mlforge.secrets import remember

__all__ = ["file_system"]

_SSH = ("sftp", "ssh")
_PATIENCE = 30  # s


def file_system(url: str) -> tuple[Any, str]:
    """The file system for a URL, and the path in it; fsspec has no types. Raises what fsspec and the package for the store raise.

    A password in the URL is masked from then on. A host that SSH does not know is refused: fsspec's default trusts whoever answers.
    """
    from fsspec.core import url_to_fs

    parts = urlsplit(url)
    if parts.password:
        remember(parts.password)
        remember(unquote(parts.password))
    if parts.scheme not in _SSH:
        system, path = url_to_fs(url)
        return system, str(path)
    given = {"username": parts.username, "password": parts.password}  # fsspec would take them as they are quoted
    options = {name: unquote(value) for name, value in given.items() if value} | {"host_key_policy": _known_hosts(), "timeout": _PATIENCE}
    system, path = url_to_fs(parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl(), **options)
    return system, str(path)


@functools.cache
def _known_hosts() -> Any:
    """A class for paramiko: accepts the hosts that the user's or the machine's `known_hosts` has, with the key that stands there."""
    import paramiko

    class KnownHosts(paramiko.MissingHostKeyPolicy):  # type: ignore[misc]  # paramiko has no types
        def missing_host_key(self, client: Any, hostname: str, key: Any) -> None:
            keys = paramiko.HostKeys()
            for file in (Path.home() / ".ssh" / "known_hosts", Path("/etc/ssh/ssh_known_hosts")):
                if file.is_file():
                    keys.load(str(file))
            if not keys.check(hostname, key):
                known = "another key of it stands" if keys.lookup(hostname) else "it does not stand"
                raise paramiko.SSHException(f"the host {hostname} is not the one that is known: {known} in ~/.ssh/known_hosts (see ssh-keyscan)")

    return KnownHosts
