"""The options of `mlforge serve` on who gets in, and on what is written down."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from mlforge.errors import RecipeError

if TYPE_CHECKING:
    from mlforge.service.serve import Serve

__all__ = ["access_options", "as_overrides", "secured", "told"]

F = TypeVar("F", bound=Callable[..., Any])
_OPTIONS = (
    click.option("--keys", metavar="FILE", help="File of keys that clients need (mlforge keys new); the project's own where it has one."),
    click.option("--tls-certificate", metavar="FILE", help="Certificate, as PEM: connections are encrypted."),
    click.option("--tls-key", metavar="FILE", help="The certificate's private key, as PEM."),
    click.option("--insecure", is_flag=True, help="Let other machines reach a server without TLS or without keys."),
    click.option("--log", metavar="FOLDER|URL", help="Write requests, answers and later labels there."),
)


def access_options(command: F) -> F:
    """Add the options to a command; it gets them as one mapping, `access`."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def as_overrides(access: dict[str, Any]) -> tuple[str, ...]:
    """The options as overrides, so that they are there when other overrides need them: what to write in a log, and to which."""
    keys = {"keys": "access.keys", "tls_certificate": "access.tls.certificate", "tls_key": "access.tls.key", "log": "log.path"}
    given = {key: str(access[name]) for name, key in keys.items() if access[name] is not None}
    return tuple(f'serve.{key}="{value.replace(chr(92), chr(92) * 2).replace(chr(34), chr(92) + chr(34))}"' for key, value in given.items())


def secured(settings: Serve, access: dict[str, Any], own: Path) -> Serve:
    """The settings with what the command line says, and with the project's own file of keys (`own`) where there is one and no other is named.

    Raises RecipeError where other machines would reach what is not protected, or a file cannot be used.
    """
    from mlforge.service.access import Access
    from mlforge.service.request_log import LogSettings
    from mlforge.serving.access.guard import Guard
    from mlforge.serving.access.listening import granian_options, listening_allowed

    if (access["tls_certificate"] is None) != (access["tls_key"] is None):
        raise RecipeError("--tls-certificate and --tls-key belong together", hint="Give both, or neither.")
    now: dict[str, Any] = settings.access.model_dump()
    if access["keys"] is not None or (now["keys"] is None and own.is_file()):
        now["keys"] = _absolute(access["keys"]) if access["keys"] is not None else str(own)
    if access["tls_certificate"] is not None:
        now["tls"] = {**(now["tls"] or {}), "certificate": _absolute(access["tls_certificate"]), "key": _absolute(access["tls_key"])}
    now["insecure"] = now["insecure"] or access["insecure"]
    log = settings.log
    if access["log"] is not None:
        place = access["log"] if "://" in access["log"] else _absolute(access["log"])
        log = LogSettings(path=place) if log is None else log.model_copy(update={"path": place})
    made = settings.model_copy(update={"access": Access.model_validate(now), "log": log})
    listening_allowed(made.host, made.access)
    granian_options(made.access, made.limits)
    Guard.of(made.access)
    return made


def told(settings: Serve) -> str:
    """What of it is worth saying at the start; nothing where there is nothing."""
    from mlforge.secrets import mask

    parts = [f"keys {settings.access.keys}"] if settings.access.keys else []
    parts += [f"log {mask(settings.log.path)}"] if settings.log else []
    return "  ·  ".join(parts)


def _absolute(written: str) -> str:
    return str(Path(written).expanduser().absolute())
