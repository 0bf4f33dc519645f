"""Logging, configured here and nowhere else: warnings on stderr, more when asked, secrets masked."""

from __future__ import annotations

import logging

from mlforge.secrets import mask

__all__ = ["configure"]

_NAME = "mlforge's own"
_LEVELS = (logging.WARNING, logging.INFO, logging.DEBUG)


class _Masked(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return mask(super().format(record))


def configure(verbose: int) -> None:
    """Warnings as they are; with `-v` what mlforge does; with `-vv` everything that anybody says, with times."""
    logger = logging.getLogger()
    for old in [handler for handler in logger.handlers if handler.name == _NAME]:
        logger.removeHandler(old)  # of an earlier command in this process, whose stderr may be gone
    handler = logging.StreamHandler()
    handler.name = _NAME
    handler.setFormatter(_Masked("%(asctime)s %(levelname)s %(name)s: %(message)s" if verbose > 1 else "%(levelname)s: %(message)s"))
    logger.addHandler(handler)
    logger.setLevel(logging.DEBUG if verbose > 1 else logging.WARNING)
    logging.getLogger("mlforge").setLevel(_LEVELS[min(verbose, 2)])
