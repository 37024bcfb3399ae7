"""The table of profiles: one row each with features, traits and scores, for segments."""

import re
from datetime import datetime
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from domain.attributes import TRAIT_PREFIX
from domain.events import to_micros
from domain.features import FEATURES
from feature_repo.state_tables import make_parts
from training.score_records import Scored
from training.workshop import Workshop

PROFILES, ABOUT = "profiles.parquet", "about.json"
MAX_TRAITS = 200  # the most frequent ones
_TYPES = {"number": pa.float64(), "text": pa.string(), "boolean": pa.bool_()}
_NAME = re.compile(r"[a-z0-9_]{1,60}")
_FREQUENT = f"""
    SELECT name FROM trait WHERE json_type(value) <> 'NULL' GROUP BY name
    ORDER BY count(*) DESC, name LIMIT {MAX_TRAITS}"""


def scored_folder(home: Path) -> Path:
    """Return where the latest table of profiles lies until the next release takes it."""
    return home / "scored"


def write_profiles(
    shop: Workshop, frame: pd.DataFrame, results: list[Scored], as_of: datetime
) -> None:
    """Write features, traits and scores of everybody, and what they were scored with."""
    columns: dict[str, pa.Array] = {"profile_id": pa.array(frame["profile_id"], pa.string())}
    for feature in FEATURES:
        columns[feature.name] = pa.array(
            frame[feature.name], _TYPES[feature.type], from_pandas=True
        )
    columns |= _traits(shop, frame, as_of)
    for result in results:
        columns |= _scores(result, len(frame))
    folder = scored_folder(shop.settings.home)
    folder.mkdir(parents=True, exist_ok=True)
    scratch = folder / f"{PROFILES}.writing"
    pq.write_table(pa.table(columns), scratch, compression="zstd")
    scratch.replace(folder / PROFILES)
    about = {
        "as_of": as_of.isoformat(),
        "fingerprint": shop.window.fingerprint,
        "versions": {r.champion.name: r.champion.version for r in results},
    }
    (folder / ABOUT).write_bytes(orjson.dumps(about))


def _scores(result: Scored, count: int) -> dict[str, pa.Array]:
    """Return three columns of `count` rows; those not scored are empty."""
    name, missing = result.champion.name, np.ones(count, dtype=bool)
    missing[result.rows] = False
    values, ranks = np.zeros(count), np.zeros(count, dtype=np.int64)
    tiers = np.empty(count, dtype=object)
    values[result.rows], ranks[result.rows] = result.values, result.percentiles
    tiers[result.rows] = result.tiers
    return {
        name: pa.array(values, pa.float64(), mask=missing),
        f"{name}_percentile": pa.array(ranks, pa.int64(), mask=missing),
        f"{name}_tier": pa.array(tiers, pa.string(), mask=missing),
    }


def _traits(shop: Workshop, frame: pd.DataFrame, as_of: datetime) -> dict[str, pa.Array]:
    """Return one text column per frequent trait, as it stood before `as_of`."""
    make_parts(shop.db, to_micros(as_of))
    names = [n for (n,) in shop.db.execute(_FREQUENT).fetchall() if _NAME.fullmatch(n)]
    if not names:
        return {}
    picked = ", ".join(
        f"max(CASE WHEN name = '{n}' THEN value ->> '$' END) AS {TRAIT_PREFIX}{n}" for n in names
    )
    found = shop.db.execute(f"SELECT profile_id, {picked} FROM trait GROUP BY profile_id").df()
    aligned = found.set_index("profile_id").reindex(frame["profile_id"])
    return {str(name): pa.array(aligned[name], pa.string(), from_pandas=True) for name in aligned}
