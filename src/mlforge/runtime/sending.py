"""A file that is whole, sent to a URL through fsspec."""

from __future__ import annotations

from pathlib import Path

from mlforge.errors import MissingRequirement, RunFailed
from mlforge.runtime.file_systems import file_system
from mlforge.secrets import mask

__all__ = ["send"]


def send(file: Path, url: str) -> None:
    """Send it. Where the store puts objects (s3, gs), the object is there whole or not at all."""
    try:
        system, path = file_system(url)
        system.put_file(str(file), path)
    except ImportError as error:
        raise MissingRequirement(f"--sink {mask(url)} needs a package that is missing: {error}", hint="pip install 'mlforge[s3]' (or gs, sftp).") from None
    except Exception as error:  # whatever the package for this store raises
        told = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        raise RunFailed(
            f"--sink {mask(url)} cannot be written: {told}", hint="Credentials come from the environment, as the store's own tools take them."
        ) from None
