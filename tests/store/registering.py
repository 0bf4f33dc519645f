"""Many processes registering versions of one model at once: `python registering.py URL STATE PROCESSES EACH`.

They are forked before SQLAlchemy has connected to anything, wait for one another, and then open the store, which is new, at once.
"""

from __future__ import annotations

import os
import sys
import traceback
from importlib import import_module
from pathlib import Path


def work(url: str, state: Path, process: int, each: int) -> None:
    from mlforge.store import Store

    store = Store.open(url, state)
    for number in range(each):
        store.registry.register("adult", bundle=f"{process}-{number}", verdict="v", run="r", actor=f"process {process}")
    store.close()


def main(url: str, state: Path, processes: int, each: int) -> int:
    for module in ("sqlalchemy.dialects.sqlite", "mlforge.store.registry", "mlforge.store.records", "mlforge.store.schema"):
        import_module(module)  # once, and not in every child
    reading, writing = os.pipe()
    children = []
    for process in range(processes):
        child = os.fork()
        if child == 0:
            os.close(writing)
            os.read(reading, 1)  # until the parent closes its end: all start together
            try:
                work(url, state, process, each)
            except BaseException:
                traceback.print_exc()
                os._exit(1)
            os._exit(0)
        children.append(child)
    os.close(writing)
    return sum(os.waitpid(child, 0)[1] != 0 for child in children)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4])))
