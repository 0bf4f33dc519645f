"""Pages whose commands are run: a test compares what they print with what stands on the page; `python docs/transcript.py PAGE …` writes it there.

A fenced block with `file=PATH` behind its language is written to that file. In a block of `console`, each line that begins with `$ ` is run by bash in the
page's folder, and the lines below it are what it printed. `…` stands for anything, alone on a line for any number of lines. Times, ids, digests and
figures with a decimal point may differ from machine to machine and are compared by their form only.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path

__all__ = ["Block", "Shell", "blocks", "matches", "rewritten"]

_FENCE = re.compile(r"^```(?P<language>\w+)(?: file=(?P<file>\S+))?\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
_HOME = "/home/you"  # what stands on a page for the folder in which its commands are run
_FORMS = (
    (r"\b01[0-9a-z]{24}\b", "RUN"),
    (r"\b[0-9a-f]{64}\b|\b[0-9a-f]{16}\b|\b[0-9a-f]{8}…", "DIGEST"),
    (r"\d{4}-\d\d-\d\d[T ][\d:.+]+", "WHEN"),
    (r"\b\d+ min \d+ s\b|\b[\d.]+ m?s\b", "TIME"),
    (r"\b\d+ epochs; the best was \d+", "N epochs; the best was N"),
    (r"-?\b\d+(\.\d+)?e-?\d+\b|-?\b\d+\.\d+\b", "FIGURE"),
    (r"\b(FIGURE|\d+) \[[^\]]*\]", "FIGURE [INTERVAL]"),
    (r"[ \t]+", " "),
)


@dataclass(frozen=True, slots=True)
class Block:
    """One fenced block of a page."""

    language: str
    file: str  # where it is to be written; empty for most
    text: str
    start: int  # where the text begins on the page
    line: int

    def commands(self) -> Iterator[tuple[str, str]]:
        """Each command of a console block, and what the page says it prints."""
        for part in re.split(r"^\$ ", self.text, flags=re.MULTILINE)[1:]:
            command, _, output = part.partition("\n")
            while command.endswith("\\"):
                more, _, output = output.partition("\n")
                command = f"{command}\n{more}"
            yield command, output


def blocks(page: str) -> list[Block]:
    """The fenced blocks of a page, in order."""
    return [
        Block(found["language"], found["file"] or "", found["text"], found.start("text"), page.count("\n", 0, found.start("text")) + 1)
        for found in _FENCE.finditer(page)
    ]


class Shell:
    """Runs the blocks of one page in one folder, one after the other."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.code = 0  # of the last command, so that `echo $?` tells it

    def put(self, block: Block) -> None:
        """Write a block to its file."""
        target = self.folder / block.file
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(block.text, encoding="utf-8")

    def run(self, command: str) -> str:
        """What a command prints, stdout and stderr as they come."""
        path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
        done = subprocess.run(
            ["/bin/bash", "-c", f"(exit {self.code}); {command}"], cwd=self.folder, env={**os.environ, "PATH": path, "COLUMNS": "120"},
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, text=True, check=False,
        )  # fmt: skip
        self.code = done.returncode
        return self.shown(done.stdout)

    def shown(self, output: str) -> str:
        """An output as it stands on a page, where nobody's folders are."""
        return output.replace(str(self.folder.resolve()), _HOME)


def matches(expected: str, actual: str) -> bool:
    """Does an output look as the page says?"""
    pattern = "".join(".*" if line.strip() == "…" else re.escape(line).replace("…", "[^\n]*") + "\n" for line in _formal(expected))
    return re.fullmatch(pattern, "".join(f"{line}\n" for line in _formal(actual)), re.DOTALL) is not None


def _formal(text: str) -> list[str]:
    for pattern, form in _FORMS:
        text = re.sub(pattern, form, text)
    return [line.strip() for line in text.strip().splitlines()]


def rewritten(page: str, folder: Path) -> str:
    """The page with what its commands print now; outputs that still look as they stand are kept."""
    shell = Shell(folder)
    made, position = "", 0
    for block in blocks(page):
        made += page[position : block.start]
        position = block.start + len(block.text)
        if block.file:
            shell.put(block)
        text = block.text if block.language != "console" else "".join(_current(shell, *each) for each in block.commands())
        made += text
    return made + page[position:]


def _current(shell: Shell, command: str, expected: str) -> str:
    actual = shell.run(command)
    return f"$ {command}\n{expected if matches(expected, actual) else actual}"


if __name__ == "__main__":
    for name, number in zip(sys.argv[1:], count()):
        with tempfile.TemporaryDirectory(prefix=f"page-{number}-") as scratch:
            target = Path(name)
            target.write_text(rewritten(target.read_text(encoding="utf-8"), Path(scratch)), encoding="utf-8")
