"""Publishes, records and registers until it is killed: `python publishing.py STATE DRAFTS`; prints what it has done, each thing once it is."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from mlforge.store import Store


def say(*words: object) -> None:
    os.write(1, (" ".join(str(word) for word in words) + "\n").encode())


def main(state: Path, drafts: Path) -> None:
    store = Store.open(None, state)
    with store.lock("adult"):
        run = store.records.begin_run("adult", {}, [], False)
        say("run", run)
        for number in range(100_000):
            key = f"{run}-{number}"
            store.records.start_stage(key, "train", "adult", run, {})
            folder = drafts / key
            (folder / "deep").mkdir(parents=True)
            for name in ("a", "b", "deep/c"):
                (folder / name).write_text(f"{key} {name}" * 500)
            digest = store.artifacts.publish(folder)
            say("published", digest)
            store.records.finish_stage(key, run, {"out": digest}, [], 0.1)
            say("finished", key)
            version, _ = store.registry.register("adult", bundle=digest, verdict="v", run=run)
            say("registered", version.version)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
