"""The offline store: every training row gets the last values known strictly before its moment.

Feast's own DuckDB store joins with `<=`, so that an event at the labelled moment leaks into the
features, and pairs each entity row with all history of its key. This one is an ASOF join. It joins
keys and times only; the values are fetched afterwards, of the rows that were chosen.
"""

from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import feature_repo.light_feast  # noqa: F401  # isort: skip

import duckdb
import pandas as pd
import pyarrow as pa
from feast import FeatureView, FileSource, OnDemandFeatureView, RepoConfig
from feast.infra.offline_stores.duckdb import DuckDBOfflineStore, DuckDBOfflineStoreConfig
from feast.infra.offline_stores.offline_store import RetrievalJob, RetrievalMetadata
from feast.infra.offline_stores.offline_utils import infer_event_timestamp_from_entity_df
from pydantic import StrictStr

from domain.errors import InvalidInput, NotEnoughData
from feature_repo.asof_sql import Asked, VersionedRows, columns_sql, fetch_sql, match_sql


class AsofOfflineStoreConfig(DuckDBOfflineStoreConfig):
    """Where the sources' relative paths start, and how much memory one query may take."""

    type: StrictStr = "feature_repo.asof_store.AsofOfflineStore"
    home: StrictStr = "."
    memory_limit: StrictStr = "3GB"


class AsofOfflineStore(DuckDBOfflineStore):
    """DuckDB over the Parquet files of each view, point in time by a strict ASOF join."""

    @staticmethod
    def get_historical_features(
        config: RepoConfig,
        feature_views: list[FeatureView],
        feature_refs: list[str],
        entity_df: pd.DataFrame | str | None,
        registry: Any,
        project: str,
        full_feature_names: bool = False,
        filter_by_created_timestamp: bool = False,
    ) -> RetrievalJob:
        """Return a job that keeps every entity row, in order, and adds the asked features."""
        if not isinstance(entity_df, pd.DataFrame):
            kind = type(entity_df).__name__
            raise InvalidInput(f"entities must be a DataFrame with event_timestamp, not {kind}")
        views = [
            _rows_of(config, view, feature_refs, full_feature_names, filter_by_created_timestamp)
            for view in feature_views
        ]
        return AsofJob(config, entity_df, views, feature_refs, full_feature_names)

    @staticmethod
    def pull_latest_from_table_or_query(*args: Any, **asked: Any) -> RetrievalJob:
        """Read the latest row per key, as `feast materialize` needs it."""
        return DuckDBOfflineStore.pull_latest_from_table_or_query(*args, **_under_home(**asked))

    @staticmethod
    def pull_all_from_table_or_query(*args: Any, **asked: Any) -> RetrievalJob:
        """Read all rows between two times."""
        return DuckDBOfflineStore.pull_all_from_table_or_query(*args, **_under_home(**asked))

    def validate_data_source(self, config: RepoConfig, data_source: Any) -> None:
        """Accept sources without files: definitions are applied before the first build."""


@dataclass
class AsofJob(RetrievalJob):
    """The join, run when its result is asked for."""

    config: RepoConfig
    entities: pd.DataFrame
    views: list[VersionedRows]
    feature_refs: list[str]
    full_names: bool

    def _to_arrow_internal(self, timeout: int | None = None) -> pa.Table:
        frame, moment = _in_utc(self.entities)
        result = pa.Table.from_pandas(frame, preserve_index=False)
        with _connect(self.config) as db:
            for view in self.views:
                found = _join(db, frame, moment, view)
                for name in found.column_names:
                    result = result.append_column(name, found[name])
        return result

    def _to_df_internal(self, timeout: int | None = None) -> pd.DataFrame:
        return cast(pd.DataFrame, self._to_arrow_internal(timeout).to_pandas())

    @property
    def full_feature_names(self) -> bool:
        """Return whether feature columns carry the name of their view."""
        return self.full_names

    @property
    def on_demand_feature_views(self) -> list[OnDemandFeatureView]:
        """Return nothing: what is derived at request time is derived by `domain`, not by Feast."""
        return []

    @property
    def metadata(self) -> RetrievalMetadata:
        """Return what was asked: features, keys and the span of time."""
        frame, moment = _in_utc(self.entities)
        return RetrievalMetadata(
            features=self.feature_refs,
            keys=[name for name in frame.columns if name != moment],
            min_event_timestamp=frame[moment].min(),
            max_event_timestamp=frame[moment].max(),
        )


def _in_utc(entities: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """Return a copy with the moment in UTC microseconds, and the name of that column."""
    moment = infer_event_timestamp_from_entity_df(dict(entities.dtypes))
    times = pd.to_datetime(entities[moment], utc=True).astype("datetime64[us, UTC]")
    return entities.assign(**{moment: times}), moment


def _connect(config: RepoConfig) -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    spill = str(Path(config.offline_store.home) / "offline" / ".spill")
    db.execute("SET TimeZone = 'UTC'; SET preserve_insertion_order = false")
    db.execute("SET asof_loop_join_threshold = 0")  # one plan for all sizes, never the nested loop
    db.execute("SET memory_limit = $1", [config.offline_store.memory_limit])
    db.execute("SET temp_directory = $1", [spill])
    return db


def _join(
    db: duckdb.DuckDBPyConnection, entities: pd.DataFrame, moment: str, view: VersionedRows
) -> pa.Table:
    """Return the view's feature columns, one row per entity row and in their order."""
    keys = {f"k{i}": pa.array(entities[name]) for i, name in enumerate(view.keys)}
    rows = pa.array(range(len(entities)), pa.int64())
    times = pa.array(entities[moment], pa.timestamp("us", "UTC"))
    db.register("given", pa.table({**keys, "n": rows, "moment": times}))
    db.execute("CREATE OR REPLACE TEMP TABLE asked AS FROM given")  # DuckDB can count a table
    _check_columns(db, view)
    span = Asked(entities[moment].min(), entities[moment].max())
    db.execute(f"CREATE OR REPLACE TEMP TABLE matched AS {match_sql(view, span)}")
    return db.execute(fetch_sql(view)).to_arrow_table().drop_columns(["n"])


def _check_columns(db: duckdb.DuckDBPyConnection, view: VersionedRows) -> None:
    present = {row[0] for row in db.execute(columns_sql(view)).fetchall()}
    missing = sorted(set(view.columns.values()) - present)
    if missing:
        folder = Path(view.files[0]).parent
        raise NotEnoughData(
            f"no file in {folder} has the feature {missing[0]!r}; run `nextbest build` again"
        )


def _rows_of(
    config: RepoConfig, view: FeatureView, refs: list[str], full_names: bool, honour_created: bool
) -> VersionedRows:
    """Return how to read one feature view, or say what is missing."""
    source = cast(FileSource, view.batch_source)
    files = _files(config, source, view.name)
    prefix = f"{cast(Any, view.projection).name_to_use()}:"
    asked = [ref.removeprefix(prefix) for ref in refs if ref.startswith(prefix)]
    stored = {feature: column for column, feature in source.field_mapping.items()}
    shown = f"{view.projection.name_alias or view.name}__" if full_names else ""
    join_keys = view.projection.join_key_map or {c.name: c.name for c in view.entity_columns}
    return VersionedRows(
        files=files,
        keys={entity: stored_key for stored_key, entity in join_keys.items()},
        columns={f"{shown}{name}": stored.get(name, name) for name in asked},
        timestamp=source.timestamp_field,
        created=source.created_timestamp_column or None,
        ttl=view.ttl or None,
        honour_created=honour_created,
    )


def _files(config: RepoConfig, source: FileSource, view: str) -> list[str]:
    pattern = Path(config.offline_store.home) / source.path
    files = sorted(str(file) for file in pattern.parent.glob(pattern.name))
    if not files:
        raise NotEnoughData(
            f"no offline features of view {view!r} in {pattern.parent}; run `nextbest build` first"
        )
    return files


def _under_home(config: RepoConfig, data_source: FileSource, **asked: Any) -> dict[str, Any]:
    """Return the same arguments with the source's path made absolute."""
    absolute = deepcopy(data_source)
    absolute.file_options.uri = str(Path(config.offline_store.home) / data_source.path)
    return {"config": config, "data_source": absolute, **asked}
