"""Customers as vectors, near each other when they behave alike: where look-alikes are found."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from domain.features import FEATURES

CLIP = 3.0  # standard deviations
_TYPES = ("number", "boolean")


def write_vectors(profiles: Path, scores: list[str], file: Path) -> None:
    """Write `customers.npz` (profile_ids, vectors (n, d) float32) from a table of profiles."""
    table = pq.read_table(profiles)
    ids = np.asarray(table["profile_id"].to_pylist(), dtype=np.str_)
    names = [f.name for f in FEATURES if f.type in _TYPES]
    columns = [standardised(_numbers(table[name])) for name in names]
    columns += [_centred(_numbers(table[f"{score}_percentile"])) for score in scores]
    kept = [column for column in columns if column.any()]
    vectors = np.stack(kept, axis=1) if kept else np.zeros((len(ids), 1), dtype=np.float32)
    np.savez(file, profile_ids=ids, vectors=vectors)


def standardised(values: np.ndarray) -> np.ndarray:
    """Return (n,) float32 with mean 0 and spread 1, skewed ones by log1p, cut; missing is 0."""
    known = np.isfinite(values)
    if not known.any():
        return np.zeros(len(values), dtype=np.float32)
    seen = values[known]
    if seen.min() >= 0 and seen.mean() > 2 * np.median(seen):
        values, seen = np.log1p(np.maximum(values, 0)), np.log1p(seen)
    spread = seen.std()
    if spread < 1e-9:
        return np.zeros(len(values), dtype=np.float32)
    scaled = np.clip((values - seen.mean()) / spread, -CLIP, CLIP)
    return np.where(known, scaled, 0.0).astype(np.float32)


def _centred(percentiles: np.ndarray) -> np.ndarray:
    """Return percentiles as -1.7 to 1.7 (spread 1); not scored is 0."""
    return np.nan_to_num((percentiles - 50.5) / 29.0).astype(np.float32)


def _numbers(column: pa.ChunkedArray) -> np.ndarray:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)
