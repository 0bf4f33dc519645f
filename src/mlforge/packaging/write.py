"""The folder of a package."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from mlforge.errors import RecipeError
from mlforge.packaging.docker import dockerfile, requirements
from mlforge.packaging.kubernetes import Manifest, manifests
from mlforge.packaging.plan import Plan
from mlforge.packaging.requirements import pinned
from mlforge.packaging.trust import write_trust
from mlforge.packaging.wheel import write_wheel
from mlforge.signing.statement import SIGNATURE

__all__ = ["write_package"]


def write_package(plan: Plan, to: Path) -> tuple[str, ...]:
    """Fill an empty folder with all that an image needs, and with manifests; the files and folders that were written.

    Raises RecipeError when there is something in it, MissingRequirement when what a server needs is not installed here.
    """
    if to.exists() and (not to.is_dir() or any(to.iterdir())):
        raise RecipeError(f"--to: {to} is not empty", hint="Name a folder that is new or empty: a package is written whole.")
    pins = pinned(("cryptography",) if plan.trusted else ())
    to.mkdir(parents=True, exist_ok=True)
    _copy(plan, to / "model")
    if plan.trusted:
        write_trust(plan.trusted, to / "trust")
    wheel = write_wheel(to)
    texts = {"Dockerfile": dockerfile(plan, wheel.name), "requirements.txt": requirements(plan, pins), ".dockerignore": "kubernetes\n"}
    texts |= {f"kubernetes/{name}": _yaml(plan, manifest) for name, manifest in manifests(plan).items()}
    (to / "kubernetes").mkdir()
    for name, text in texts.items():
        (to / name).write_text(text, encoding="utf-8")
    return ("model", *(("trust",) if plan.trusted else ()), wheel.name, *(name for name in texts if not name.startswith(".")))


def _copy(plan: Plan, to: Path) -> None:
    """The bundle's own files, and no other that may lie beside them; and its signature."""
    to.mkdir()
    for name in ("bundle.json", *plan.bundle.files):
        (to / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(plan.folder / name, to / name)
    if plan.signature:
        (to / SIGNATURE).write_text(plan.signature, encoding="utf-8")


def _yaml(plan: Plan, manifest: Manifest) -> str:
    import yaml

    text: str = yaml.dump(_plain(manifest), sort_keys=False, default_flow_style=False, allow_unicode=True, width=160)
    return f"# {plan.model} {plan.version}, as `mlforge package` wrote it: yours to edit.\n{text}"


def _plain(value: object) -> object:
    """As YAML writes it, everything written out: equal parts are not turned into references."""
    if isinstance(value, Mapping):
        return {key: _plain(one) for key, one in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(one) for one in value]
    return value
