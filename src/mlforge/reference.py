"""What live windows are held against: the profiles of a model's monitors, as an artifact that goes with its version."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from mlforge.artifact import Artifact, write_json
from mlforge.contract import Contract
from mlforge.errors import DataError
from mlforge.window import Profile

if TYPE_CHECKING:
    import polars as pl

__all__ = ["Entry", "Reference", "pack", "unpack"]

_FILE = "monitors.json"
_ROW_GROUP = 65_536  # fixed: by default the number of threads changes a parquet file


@dataclass(frozen=True, slots=True)
class Entry:
    """One monitor of a recipe: the component as plugins register it, its fields, and its profile of the reference."""

    component: str  # "module:Class"
    fields: Mapping[str, Any]
    profile: Profile
    digest: str = ""  # of the profile, as it is kept


class Reference(Artifact):
    """`monitors.json` (task, contract, each monitor's component and fields) and `<entry>/<table>.parquet`: kilobytes, and no row of anybody."""

    @property
    def task(self) -> str:
        """The model's task."""
        return str(self.json(_FILE)["task"])

    @property
    def contract(self) -> Contract:
        """What a monitored row is: the columns that the monitors look at, after protection; and the target, for labels that arrive."""
        return Contract.model_validate(self.json(_FILE)["contract"])

    def entries(self) -> dict[str, Entry]:
        """The monitors, in the recipe's order."""
        told = self.json(_FILE)["monitors"]
        return {one["entry"]: self._entry(one) for one in told}

    def names(self) -> tuple[str, ...]:
        """The monitors' entries in the recipe, in its order."""
        return tuple(one["entry"] for one in self.json(_FILE)["monitors"])

    def _entry(self, told: Mapping[str, Any]) -> Entry:
        digest = hashlib.sha256()
        for table in told["tables"]:
            digest.update(f"{table}\n".encode() + (self.folder / told["entry"] / f"{table}.parquet").read_bytes())
        return Entry(told["component"], told["fields"], self._profile(told["entry"], told["tables"]), digest.hexdigest()[:16])

    def _profile(self, entry: str, tables: list[str]) -> Profile:
        import polars as pl

        return Profile({name: pl.read_parquet(self.folder / entry / f"{name}.parquet") for name in tables})

    @staticmethod
    def write(folder: Path, task: str, contract: Contract, entries: Mapping[str, Entry]) -> None:
        """Fill a folder. Same profiles, same bytes."""
        monitors = []
        for name, entry in entries.items():
            (folder / name).mkdir()
            for table, frame in entry.profile.tables.items():
                frame.write_parquet(folder / name / f"{table}.parquet", row_group_size=_ROW_GROUP, statistics=False)
            monitors.append({"entry": name, "component": entry.component, "fields": entry.fields, "tables": sorted(entry.profile.tables)})
        write_json(folder / _FILE, {"task": task, "contract": contract.model_dump(mode="json"), "monitors": monitors})


def pack(profile: Profile) -> bytes:
    """A profile in one piece, as records keep it: a compressed Arrow stream for each table, behind its name."""
    from io import BytesIO

    parts = []
    for name in sorted(profile.tables):
        buffer = BytesIO()
        profile.tables[name].write_ipc(buffer, compression="zstd")
        raw = buffer.getvalue()
        parts.append(f"{name} {len(raw)}\n".encode() + raw)
    return b"".join(parts)


def unpack(raw: bytes) -> Profile:
    """What `pack` has packed. Raises DataError for anything else."""
    from io import BytesIO

    import polars as pl

    tables: dict[str, pl.DataFrame] = {}
    try:
        while raw:
            head, _, rest = raw.partition(b"\n")
            name, _, length = head.decode().rpartition(" ")
            tables[name] = pl.read_ipc(BytesIO(rest[: int(length)]))
            raw = rest[int(length) :]
    except (ValueError, pl.exceptions.PolarsError, OSError) as error:
        raise DataError(f"a kept profile cannot be read: {error}", hint="Leave it out, and look at the window's rows again.") from None
    return Profile(tables)
