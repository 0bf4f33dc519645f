"""Servers of files to test with, real ones on this machine: SFTP (paramiko's protocol), and a store that speaks Google's."""

from __future__ import annotations

import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

__all__ = ["gs_bucket", "sftp"]

PASSWORD = "hunter2 secret%"


class Sftp:
    """A folder that is served by SFTP on loopback, to who has the password; `opened` counts the files that were opened."""

    def __init__(self, folder: Path) -> None:
        import paramiko

        self.folder, self.key, self.opened = folder, paramiko.ECDSAKey.generate(), 0
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._transports: list[Any] = []
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Where it is, with name and password."""
        from urllib.parse import quote

        return f"sftp://someone:{quote(PASSWORD, safe='')}@127.0.0.1:{self.port}"

    @property
    def known_host(self) -> str:
        """The line for `known_hosts`."""
        return f"[127.0.0.1]:{self.port} {self.key.get_name()} {self.key.get_base64()}\n"

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        for transport in self._transports:
            transport.close()
        self._thread.join()

    def _serve(self) -> None:
        import paramiko

        while True:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            transport = paramiko.Transport(connection)
            transport.add_server_key(self.key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, _files(self))
            self._transports.append(transport)
            try:
                transport.start_server(server=_door())
            except (paramiko.SSHException, EOFError, OSError):
                transport.close()  # who went away before it began


def _door() -> Any:
    import paramiko

    class Door(paramiko.ServerInterface):
        def check_auth_password(self, username: str, password: str) -> int:
            return paramiko.AUTH_SUCCESSFUL if (username, password) == ("someone", PASSWORD) else paramiko.AUTH_FAILED  # type: ignore[no-any-return]

        def check_channel_request(self, kind: str, chanid: int) -> int:
            return paramiko.OPEN_SUCCEEDED  # type: ignore[no-any-return]

    return Door()


def _files(server: Sftp) -> Any:
    import paramiko

    class Files(paramiko.SFTPServerInterface):
        def _real(self, path: str) -> Path:
            return server.folder / path.lstrip("/")

        def list_folder(self, path: str) -> Any:
            try:
                return [paramiko.SFTPAttributes.from_stat(entry.stat(), entry.name) for entry in self._real(path).iterdir()]
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)

        def stat(self, path: str) -> Any:
            try:
                return paramiko.SFTPAttributes.from_stat(self._real(path).stat())
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)

        lstat = stat

        def mkdir(self, path: str, attr: Any) -> Any:
            self._real(path).mkdir()
            return paramiko.SFTP_OK

        def open(self, path: str, flags: int, attr: Any) -> Any:
            try:
                handle = paramiko.SFTPHandle(flags)
                handle.filename = path
                handle.readfile = handle.writefile = os.fdopen(os.open(self._real(path), flags, 0o600), "rb+" if flags & (os.O_RDWR | os.O_WRONLY) else "rb")
            except OSError as error:
                return paramiko.SFTPServer.convert_errno(error.errno)
            server.opened += 1
            return handle

    return Files


@pytest.fixture
def sftp(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sftp]:
    """An empty folder at an SFTP server that the user's `known_hosts` has."""
    pytest.importorskip("paramiko", reason="needs mlforge[sftp]")
    from fsspec.implementations.sftp import SFTPFileSystem

    (tmp_path / "served").mkdir()
    server = Sftp(tmp_path / "served")
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "known_hosts").write_text(server.known_host)
    monkeypatch.setenv("HOME", str(home))
    yield server
    for system in SFTPFileSystem._cache.values():
        system.client.close()
    SFTPFileSystem.clear_instance_cache()
    server.close()


@pytest.fixture
def gs_bucket(monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """A file system that speaks Google's protocol to an emulator, with an empty bucket named `bucket`."""
    pytest.importorskip("gcsfs", reason="needs mlforge[gs]")
    emulator = pytest.importorskip("gcp_storage_emulator.server", reason="needs gcp-storage-emulator")
    import fsspec
    from gcsfs.core import GCSFileSystem

    server = emulator.create_server("127.0.0.1", 0, in_memory=True)
    server.start()
    port = server._api._httpd.server_address[1]
    monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{port}")
    for scheme in ("gs", "gcs"):  # not the one that first asks by gRPC, which no emulator answers, what kind of bucket it is
        fsspec.register_implementation(scheme, GCSFileSystem, clobber=True)
    GCSFileSystem.clear_instance_cache()
    system = GCSFileSystem()
    system.mkdir("bucket")
    yield system
    GCSFileSystem.clear_instance_cache()
    server.stop()
