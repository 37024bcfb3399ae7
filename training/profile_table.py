"""The table of profiles: one row each with features, traits and scores, for segments."""

import re
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

import numpy as np
import orjson
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from domain.attributes import TRAIT_PREFIX
from domain.events import to_micros
from domain.features import FEATURES
from feature_repo.built import Span, features_of
from feature_repo.state_tables import make_parts
from training.champions import ScoreChampion
from training.score_job import ScoreJob
from training.score_standing import TIERS, Standing
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
    shop: Workshop, job: ScoreJob, standings: Mapping[ScoreChampion, Standing]
) -> None:
    """Write features, traits and scores of everybody, and what they were scored with."""
    folder = scored_folder(shop.settings.home)
    folder.mkdir(parents=True, exist_ok=True)
    scratch, traits = folder / f"{PROFILES}.writing", _trait_names(shop, job.work.as_of)
    with pq.ParquetWriter(scratch, _schema(traits, standings), compression="zstd") as writer:
        for span, file in zip(job.spans, job.files, strict=True):
            frame = features_of(job.work.home, job.work.as_of, span)
            columns = _features(frame) | _traits(shop, frame, span, traits)
            scores = pq.read_table(file)
            for champion, standing in standings.items():
                columns |= _scores(champion, standing, scores, columns["profile_id"])
            writer.write_table(pa.table(columns, schema=_schema(traits, standings)))
    scratch.replace(folder / PROFILES)
    about = {
        "as_of": job.work.as_of.isoformat(),
        "fingerprint": shop.window.fingerprint,
        "versions": {champion.name: champion.version for champion in standings},
    }
    (folder / ABOUT).write_bytes(orjson.dumps(about))


def _schema(traits: list[str], standings: Mapping[ScoreChampion, Standing]) -> pa.Schema:
    columns = {"profile_id": pa.string()} | {f.name: _TYPES[f.type] for f in FEATURES}
    columns |= {TRAIT_PREFIX + name: pa.string() for name in traits}
    for champion in standings:
        columns |= {
            champion.name: pa.float64(),
            f"{champion.name}_percentile": pa.int64(),
            f"{champion.name}_tier": pa.string(),
        }
    return pa.schema(list(columns.items()))


def _features(frame: pd.DataFrame) -> dict[str, pa.Array]:
    ids = {"profile_id": pa.array(frame["profile_id"], pa.string())}
    return ids | {
        f.name: pa.array(frame[f.name], _TYPES[f.type], from_pandas=True) for f in FEATURES
    }


def _scores(
    champion: ScoreChampion, standing: Standing, scores: pa.Table, ids: pa.Array
) -> dict[str, pa.Array]:
    """Return three columns by `ids`; those not scored are empty."""
    name = champion.name
    found = scores[name].take(pc.index_in(ids, scores["profile_id"])).combine_chunks()
    missing = found.is_null().to_numpy(zero_copy_only=False)
    ranks = np.ones(len(ids), dtype=np.int64)
    ranks[~missing] = standing.percentiles(found.drop_null().to_numpy())
    tiers = np.asarray(TIERS, dtype=object)[ranks - 1]
    return {
        name: found,
        f"{name}_percentile": pa.array(ranks, pa.int64(), mask=missing),
        f"{name}_tier": pa.array(tiers, pa.string(), mask=missing),
    }


def _trait_names(shop: Workshop, as_of: datetime) -> list[str]:
    """Make the table of traits as they stood before `as_of`; return the most frequent names."""
    make_parts(shop.db, to_micros(as_of), ("ev", "trait"))
    return [n for (n,) in shop.db.execute(_FREQUENT).fetchall() if _NAME.fullmatch(n)]


def _traits(
    shop: Workshop, frame: pd.DataFrame, span: Span, names: list[str]
) -> dict[str, pa.Array]:
    """Return one text column per trait, by the rows of `frame`."""
    if not names:
        return {}
    picked = ", ".join(
        f"max(CASE WHEN name = '{n}' THEN value ->> '$' END) AS {TRAIT_PREFIX}{n}" for n in names
    )
    found = shop.db.execute(
        f"SELECT profile_id, {picked} FROM trait WHERE profile_id BETWEEN ? AND ? "
        "GROUP BY profile_id",
        [span.first, span.last],
    ).df()
    aligned = found.set_index("profile_id").reindex(frame["profile_id"])
    return {str(name): pa.array(aligned[name], pa.string(), from_pandas=True) for name in aligned}
