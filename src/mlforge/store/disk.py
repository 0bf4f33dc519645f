"""Every call by which publishing changes the disk: the one seam at which tests let writing fail."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path

from mlforge.errors import RunFailed

__all__ = ["Disk", "explained"]


class Disk:
    """The file system, as far as publishing changes it. Every method raises `OSError` and leaves nothing half-done that a later one trips over."""

    def mkdir(self, path: Path) -> None:
        """Make a folder."""
        path.mkdir()

    def take(self, source: Path, target: Path) -> None:
        """Give a file a second name, or copy it where the file system cannot do that."""
        try:
            os.link(source, target)
        except OSError as error:
            if error.errno not in (errno.EXDEV, errno.EPERM, errno.ENOTSUP, errno.EMLINK):
                raise
            shutil.copyfile(source, target)

    def write(self, path: Path, content: bytes) -> None:
        """Write a new file."""
        path.write_bytes(content)

    def seal(self, path: Path) -> None:
        """Make a file read-only."""
        path.chmod(0o444)

    def fsync(self, path: Path) -> None:
        """Bring a file's content, or a folder's entries, to the disk."""
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)

    def rename(self, source: Path, target: Path) -> None:
        """Give a folder its final name."""
        source.rename(target)


def explained(error: OSError, where: Path) -> RunFailed:
    """The error of the system, as one that says what to do."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return RunFailed(f"The disk is full: {where} could not be written.", hint="Free some space and give the same command again; it continues.")
    if error.errno in (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOTDIR, errno.EEXIST):
        reason = os.strerror(error.errno or 0)
        return RunFailed(f"The store cannot be written: {where}: {reason}.", hint="Allow writing there, or choose another place for the store.")
    return RunFailed(f"The store could not write {where}: {error.strerror or error}.", hint="Give the same command again; it continues.")
