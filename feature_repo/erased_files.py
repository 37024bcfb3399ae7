"""Files without a person: each that holds them is written anew beside itself and put in place."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from feature_repo.persons import Plan

_PROFILES = (
    "offline/*/*.parquet",
    "scored/*.parquet",
    "building/*.parquet",  # of a build and a scoring under way
    "scoring/*.parquet",
    "releases/*/profiles.parquet",
)
_VECTORS = "customers.npz"
_CUSTOMER, _DEVICE, PROFILE = "customer_id", "anonymous_id", "profile_id"
Change = Callable[[pa.Table], pa.Table]


def clean_lake(home: Path, plan: Plan) -> int:
    """Take a person out of the events of the lake; return how many files changed."""
    wanted = _is_any(_CUSTOMER, plan.customers) | _is_any(_DEVICE, plan.ids)
    files = sorted((home / "lake" / "events").glob("*/*.parquet"))
    return sum(
        _rewritten(file, lambda table: _without_events(table, plan), wanted) for file in files
    )


def profile_files(home: Path, draft: Path | None = None) -> list[Path]:
    """Return every table of profiles; of the releases under way, those of `draft` alone."""
    found = (file for pattern in _PROFILES for file in home.glob(pattern))
    return sorted(file for file in found if _is_whole(file, draft))


def clean_profiles(home: Path, ids: Sequence[str], draft: Path | None = None) -> int:
    """Take profiles out of every table of profiles and vectors; return how many files changed."""
    wanted = _is_any(PROFILE, ids)
    files = profile_files(home, draft)
    changed = sum(_rewritten(f, lambda table: table.filter(~wanted), wanted) for f in files)
    vectors = [f for f in home.glob(f"releases/*/{_VECTORS}") if _is_whole(f, draft)]
    return changed + sum(_without_vectors(f, ids) for f in vectors)


def _is_whole(file: Path, draft: Path | None) -> bool:
    """Return whether a file is not one that a release is just writing."""
    return not file.parent.name.startswith(".") or file.parent == draft


def _is_any(column: str, ids: Sequence[str]) -> pc.Expression:
    return pc.coalesce(pc.field(column).isin(pa.array(ids, pa.string())), pc.scalar(False))


def _without_events(table: pa.Table, plan: Plan) -> pa.Table:
    """Return events without the person's own, and the others' without the person's devices."""
    nobody = pc.field(_CUSTOMER).is_null()
    mine = _is_any(_CUSTOMER, plan.customers) | (nobody & _is_any(_DEVICE, plan.ids))
    kept = table.filter(~mine)
    names = [plan.renamed.get(d, d) for d in kept[_DEVICE].to_pylist()]
    place = kept.column_names.index(_DEVICE)
    return kept.set_column(place, kept.schema.field(_DEVICE), pa.array(names, pa.string()))


def _rewritten(path: Path, change: Change, wanted: pc.Expression) -> bool:
    """Change a file run by run, if any of its rows is wanted; in place by rename."""
    with pq.ParquetFile(path) as file:
        columns = [c for c in (_CUSTOMER, _DEVICE, PROFILE) if c in file.schema_arrow.names]
        if not file.read(columns=columns).filter(wanted).num_rows:
            return False
        scratch = path.with_suffix(".writing")
        with pq.ParquetWriter(scratch, file.schema_arrow, compression="zstd") as writer:
            for group in range(file.num_row_groups):
                writer.write_table(change(file.read_row_group(group)))
    scratch.replace(path)
    return True


def _without_vectors(path: Path, ids: Sequence[str]) -> bool:
    """Take customers out of the vectors of a release."""
    with np.load(path, allow_pickle=False) as arrays:
        found = {name: arrays[name] for name in arrays.files}
    kept = ~np.isin(found["profile_ids"], np.asarray(ids, dtype=np.str_))
    if kept.all():
        return False
    scratch = path.with_suffix(".writing.npz")
    np.savez(scratch, **{name: array[kept] for name, array in found.items()})
    scratch.replace(path)
    return True
