"""Files at URLs, through fsspec: http(s), s3, gs, sftp and whatever else it has a package for.

A remote file is fetched in blocks into a file without a name, once a process; from then on it is read like a local one, as often as need be, and is the
very file whose version was noted.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlsplit

from mlforge.builtin.sources.files import File, Found
from mlforge.builtin.sources.spool import Spool
from mlforge.errors import DataError, MissingRequirement, MlforgeError
from mlforge.runtime.file_systems import file_system as connected_to
from mlforge.secrets import mask

__all__ = ["RemoteFile", "file_system", "found_remote", "listed"]

_BLOCK = 4 << 20
_EXTRAS = {"s3": "s3", "http": "http", "https": "http", "gs": "gs", "gcs": "gs", "sftp": "sftp", "ssh": "sftp"}

_fetched: dict[tuple[str, str | None], Spool] = {}


class RemoteFile(Found):
    """A file at a URL."""

    def __init__(self, name: str, system: Any, path: str, facts: Mapping[str, Any]) -> None:
        self.name = name
        self._system, self._path, self._facts = system, path, facts

    def version(self) -> str | None:
        """The etag, else size and time; None when the store tells neither."""
        facts = {key.lower(): value for key, value in self._facts.items()}
        etag = facts.get("etag") or facts.get("content-md5") or facts.get("md5hash") or facts.get("digest")
        if etag:
            return str(etag)
        changed = facts.get("lastmodified") or facts.get("last-modified") or facts.get("last_modified") or facts.get("mtime") or facts.get("updated")
        return f"{facts['size']} bytes of {changed}" if changed and facts.get("size") is not None else None

    def file(self) -> File:
        """Fetched, if it has not been yet."""
        key = (self.name, self.version())
        if key not in _fetched:
            _fetched[key] = Spool(self._blocks(), self.name)
        return File(self.name, _fetched[key].path)

    def _blocks(self) -> Iterator[bytes]:
        size, came = self._facts.get("size"), 0
        try:
            with self._system.open(self._path, "rb", block_size=_BLOCK, cache_type="readahead") as file:
                while block := file.read(_BLOCK):
                    came += len(block)
                    yield block
        except Exception as error:  # whatever the package for this store raises
            raise _unreachable(self.name, error) from None
        if size is not None and came != size:
            raise DataError(f"source.path: {self.name} broke off after {came:,} of {size:,} bytes", hint="Give the same command again.")


def found_remote(url: str, where: str) -> Sequence[RemoteFile]:
    """The files at a URL, or at a URL with a glob in its path, sorted by name."""
    from fsspec.utils import get_protocol

    system, path = file_system(url, where)
    if "*" in path or ("?" in path and get_protocol(url) not in ("http", "https")) or "[" in path:
        files = _asked(url, functools.partial(system.glob, path, detail=True))
        facts = {name: one for name, one in sorted(files.items()) if one.get("type") != "directory"}
        if not facts:
            raise DataError(f"{where}: no file matches {mask(url)}", hint="** stands for any folders, * for any part of a name.")
        return [RemoteFile(_named(url, path, name), system, name, one) for name, one in facts.items()]
    one = _asked(url, functools.partial(system.info, path))
    if one.get("type") == "directory":
        raise DataError(f"{where}: {mask(url)} is a folder", hint=f"Name a file, or all of them with a glob: {mask(url).rstrip('/')}/*")
    return [RemoteFile(_public(url), system, path, one)]


def listed(url: str) -> list[str]:
    """The URLs that match a URL with a glob in its path, sorted; none when there are none."""
    system, path = file_system(url, "source.path")
    return sorted(_named(url, path, str(name)) for name in _asked(url, functools.partial(system.glob, path)))


def _named(url: str, path: str, found: str) -> str:
    """The URL of what was found at another URL: with the server's name, which the path of some stores does not have."""
    return _public(url.removesuffix(path)) + found


def file_system(url: str, where: str) -> tuple[Any, str]:
    """The fsspec file system for a URL, and the path in it. fsspec has no types."""
    if "::" in url:
        raise DataError(f"{where}: {mask(url)} is a chain of URLs", hint="Name one file; .gz and .zst are read as they are.")
    scheme = urlsplit(url).scheme
    try:
        system, path = connected_to(url)
    except ImportError:
        raise MissingRequirement(f"{where}: {scheme}:// needs a package", hint=f"pip install 'mlforge[{_EXTRAS.get(scheme, scheme)}]'") from None
    except ValueError as error:
        raise DataError(
            f"{where}: {mask(url)}: {str(error)[:200]}", hint="Such as https://host/data.csv, s3://bucket/data.csv or sftp://host/data.csv."
        ) from None
    except Exception as error:  # whatever the package for this store raises
        raise _unreachable(url, error) from None
    system.invalidate_cache()  # what was there a minute ago may be another file by now
    return system, path


def _public(url: str) -> str:
    """A URL without its password: what a file is called, and known by."""
    parts = urlsplit(url)
    if parts.password is None:
        return url
    user, host = parts.netloc.rpartition("@")[0].partition(":")[0], parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{user}@{host}").geturl()


def _asked(url: str, question: functools.partial[Any]) -> Any:
    try:
        return question()
    except FileNotFoundError as error:
        cause = error.__cause__
        if cause is not None and cause.__class__.__module__.startswith("aiohttp") and getattr(cause, "status", None) is None:
            raise _unreachable(url, cause) from None  # to fsspec, a server that does not answer has no such file
        raise DataError(f"source.path: there is no file {mask(url)}", hint="Look at the name; letters count as they are written.") from None
    except Exception as error:  # whatever the package for this store raises
        raise _unreachable(url, error) from None


def _unreachable(url: str, error: BaseException) -> MlforgeError:
    if isinstance(error, MlforgeError):
        return error
    told = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
    kind = "may not be read" if isinstance(error, PermissionError) or "redential" in type(error).__name__ + told else "cannot be reached"
    return MissingRequirement(f"source.path: {mask(url)} {kind}: {told}", hint="Credentials come from the environment, as the store's own tools take them.")
