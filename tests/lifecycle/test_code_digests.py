"""The digest of a component's code covers every first-party module that it imports, and no other."""

from __future__ import annotations

import sys
import uuid

import pytest

from mlforge.lifecycle.code import CodeIndex


@pytest.fixture
def package(tmp_path, monkeypatch):
    """A package of its own name, importable: part.py imports helper.py, which imports deep.py inside a function; other.py is unrelated."""
    name = f"pkg_{uuid.uuid4().hex[:8]}"
    folder = tmp_path / name
    folder.mkdir()
    (folder / "__init__.py").write_text("")
    (folder / "part.py").write_text("import json\nfrom . import helper\n")
    (folder / "helper.py").write_text(f"def use():\n    from {name}.deep import VALUE\n    return VALUE\n")
    (folder / "deep.py").write_text("VALUE = 1\n")
    (folder / "other.py").write_text("X = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    return folder


def digest(package, module="part", cache=None):
    index = CodeIndex(cache)
    found = index.digest(f"{package.name}.{module}")
    index.save()
    return found


@pytest.mark.parametrize("edited", ["part.py", "helper.py", "deep.py", "__init__.py"])
def test_an_edit_in_any_imported_module_changes_the_digest(package, edited):
    before = digest(package)
    with (package / edited).open("a") as file:
        file.write("\nEDITED = True\n")
    assert digest(package) != before


def test_an_edit_in_an_unrelated_module_does_not(package):
    before = digest(package)
    (package / "other.py").write_text("X = 2\n")
    assert digest(package) == before


def test_nothing_is_imported_to_find_out(package):
    digest(package)
    assert not [name for name in sys.modules if name.startswith(package.name)]


def test_a_cache_gives_the_same_digest_and_notices_edits(package, tmp_path):
    cache = tmp_path / "cache" / "code.json"
    before = digest(package, cache=cache)
    assert digest(package, cache=cache) == before
    (package / "deep.py").write_text("VALUE = 23\n")
    assert digest(package, cache=cache) != before


def test_a_torn_cache_is_as_good_as_none(package, tmp_path):
    cache = tmp_path / "code.json"
    cache.write_text('{"torn')
    assert digest(package, cache=cache) == digest(package)


def test_imports_for_type_checkers_do_not_count(package):
    (package / "part.py").write_text(f"from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    from {package.name}.other import X\n")
    assert f"{package.name}.other" not in CodeIndex().closure(f"{package.name}.part")


def test_other_libraries_are_left_to_their_version(package):
    (package / "part.py").write_text("import json, numpy, pydantic\n")
    assert CodeIndex().closure(f"{package.name}.part") == {package.name, f"{package.name}.part"}


@pytest.mark.parametrize("place", ["lib/python3/dist-packages", ".local/lib/python3.12/site-packages"])
def test_libraries_of_the_system_and_of_the_user_are_left_to_their_version_too(package, tmp_path, monkeypatch, place):
    """An environment with --system-site-packages reads torch from there, and nobody wants all of torch to be parsed for a key."""
    library = tmp_path / place / f"lib_{uuid.uuid4().hex[:8]}"
    library.mkdir(parents=True)
    (library / "__init__.py").write_text("VERSION = 1\n")
    monkeypatch.syspath_prepend(str(library.parent))
    (package / "part.py").write_text(f"import {library.name}\n")
    index = CodeIndex(None)
    index.digest(f"{package.name}.part")
    assert not any(file.is_relative_to(library) for file in index.files())


def test_a_module_beside_the_package_that_is_no_library_counts(package):
    neighbour = f"near_{uuid.uuid4().hex[:8]}"
    (package.parent / f"{neighbour}.py").write_text("Y = 1\n")
    (package / "part.py").write_text(f"import {neighbour}\n")
    assert neighbour in CodeIndex().closure(f"{package.name}.part")
