"""`mlforge package`: a model as a container."""

from __future__ import annotations

import re
from pathlib import Path

import click

from mlforge.cli.workplace import Workplace, store_option

__all__ = ["command"]

_IMAGE = r"[A-Za-z0-9][A-Za-z0-9._/:@-]{0,250}"


@click.command("package")
@click.argument("model", metavar="MODEL[@ALIAS|@VERSION]")
@click.option("--to", type=click.Path(file_okay=False, path_type=Path), metavar="FOLDER", help="Where to; MODEL-VERSION by default.")
@click.option("--image", metavar="NAME", help="What the image is to be called in the manifests; MODEL:VERSION by default.")
@click.option("--workers", default=2, show_default=True, type=click.IntRange(1, 256), help="Processes of a container that answer.")
@store_option
def command(model: str, to: Path | None, image: str | None, workers: int, store: str | None) -> None:
    """Write a model as a container: Dockerfile, requirements, Kubernetes manifests.

    The bundle is copied along, and so is this mlforge; nothing in the image can train.

    \b
    mlforge package adult
    mlforge package adult@3 --to build/adult --image registry.example.org/adult:3
    """
    if image is not None and not re.fullmatch(_IMAGE, image):
        raise click.BadParameter(f"{image!r} is no image's name; one such as registry.example.org/adult:3 was expected", param_hint="--image")
    opened = Workplace.here().existing(store)
    version = opened.registry.resolve(model)
    folder = opened.vouched.folder(version)
    from mlforge.packaging.plan import Plan, dns_name, settings_of
    from mlforge.packaging.write import write_package
    from mlforge.runtime.bundle import read_bundle

    named = image or f"{dns_name(version.model)}:{version.version}"
    target = to or Path(f"{version.model}-{version.version}")
    settings = settings_of(opened.records.run(version.run).plain.get("serve") or {})
    trust = opened.vouched.trust
    signed = (opened.vouched.envelope(version), trust.settings.trusted) if trust else ("", ())
    files = write_package(Plan(version.model, version.version, version.bundle, folder, read_bundle(folder), named, workers, settings, *signed), target)
    click.echo(f"Wrote {target}: {', '.join(files)}")
    click.echo(f"Next    docker build -t {named} {target} · kubectl apply -f {target}/kubernetes/deployment.yaml -f {target}/kubernetes/service.yaml")
