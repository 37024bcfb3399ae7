"""The only door to Feast: training frames from the offline store, states and scores online.

Reads and writes online go to Feast's online store directly, with the views looked up once: the
general calls of Feast look everything up each time and cost a hundred times as much.
"""

import json
import threading
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, cast

import pandas as pd
from feast import FeatureStore
from feast.errors import FeatureServiceNotFoundException
from feast.infra.key_encoding_utils import serialize_entity_key
from feast.infra.online_stores.sqlite import SqliteOnlineStore
from feast.infra.registry.sql import SqlRegistry
from feast.protos.feast.types.EntityKey_pb2 import EntityKey
from feast.protos.feast.types.Value_pb2 import Value

from domain.behaviour import State
from domain.errors import InvalidInput, NotFound
from domain.features import FEATURES
from feature_repo.definitions import KEY
from feature_repo.registration import registered_store
from feature_repo.score_history import ScoreHistory

Row = tuple[str, str, datetime]  # profile_id, JSON text, when it was true (UTC)
_BATCH = 5_000  # rows per transaction: a tenth of a second for which other writers wait
_MOMENT = "event_timestamp"
_WAIT_MS = 30_000


@dataclass(frozen=True, slots=True)
class StoredProfile:
    """What is kept online of one profile; `written_at` is the state's time in whole seconds."""

    profile_id: str
    state: State = field(default_factory=State)
    scores: dict[str, dict[str, Any]] = field(default_factory=dict)
    written_at: datetime | None = None


class Features:
    """The feature store of one home folder; safe for many threads and, file by file, processes."""

    def __init__(self, store: FeatureStore, home: Path) -> None:
        """Use `open` instead; this takes a store whose definitions are registered."""
        self._feast = store
        self._history = ScoreHistory(home)
        self._views = {name: store.get_feature_view(name) for name in ("state", "scores")}
        self._reading, self._writing = _connected(store), _connected(store)
        self._read_lock, self._write_lock = threading.Lock(), threading.Lock()

    @classmethod
    def open(cls, home: Path) -> "Features":
        """Open the store under `home`; definitions are registered when they are new or changed."""
        home = home.resolve()
        home.mkdir(parents=True, exist_ok=True)
        return cls(registered_store(home), home)

    def training_frame(self, entities: pd.DataFrame, service: str) -> pd.DataFrame:
        """Return the rows of `entities`, in order, with the features of a service.

        Args:
            entities: `profile_id`, `event_timestamp` (without zone: UTC) and any other columns.
            service: name of a model's feature service, such as `churn_v1`.

        Returns:
            The same columns, then the features in the order of `FEATURES`, known strictly before
            the timestamp: float64, text as object, boolean with NA. The index counts from 0.
        """
        for column in (KEY, _MOMENT):
            if column not in entities.columns:
                raise InvalidInput(f"entities have no column {column!r}", field=column)
        asked = entities[[KEY, _MOMENT]].reset_index(drop=True)
        asked[_MOMENT] = pd.to_datetime(asked[_MOMENT], utc=True)
        found = self._feast.get_historical_features(asked, self._service(service)).to_df()
        kept = entities.reset_index(drop=True).assign(**{_MOMENT: asked[_MOMENT]})
        return pd.concat([kept, _in_order(found)], axis=1)

    def read(self, profile_id: str) -> StoredProfile | None:
        """Return what is kept of a profile, or None when nothing is."""
        return self.read_many([profile_id]).get(profile_id)

    def read_many(self, profile_ids: Iterable[str]) -> dict[str, StoredProfile]:
        """Return what is kept by profile id; ids of which nothing is kept are left out."""
        found: dict[str, StoredProfile] = {}
        for ids in _batches(dict.fromkeys(profile_ids)):
            states, scores = self._online("state", ids), self._online("scores", ids)
            for profile_id, (at, state), (_, records) in zip(ids, states, scores, strict=True):
                if state or records:
                    found[profile_id] = _stored(profile_id, state, records, at)
        return found

    def write_states(self, rows: Iterable[Row]) -> int:
        """Store states as JSON text, replacing what is there; return how many.

        There is no check of time: the last call wins, even with an older `at`.
        """
        return sum(self._write("state", "state", batch) for batch in _batches(rows))

    def write_scores(self, rows: Iterable[Row]) -> int:
        """Store all score records of each profile as JSON text, online and in the history."""
        with self._history.writer() as history:
            count = 0
            for batch in _batches(rows):
                history.add(batch)
                count += self._write("scores", "records", batch)
        return count

    def delete(self, profile_ids: Iterable[str]) -> int:
        """Remove profiles from the online store; return how many values went."""
        gone = 0
        with self._write_lock:
            db = self._writing._get_conn(self._feast.config)
            for ids in _batches(profile_ids):
                keys = [(serialize_entity_key(_key(i), 3),) for i in ids]
                for view in self._views:
                    table = f'"{self._feast.project}_{view}"'
                    with db:
                        sql = f"DELETE FROM {table} WHERE entity_key = ?"
                        gone += db.executemany(sql, keys).rowcount
        return gone

    def close(self) -> None:
        """Close the files; the store cannot be used afterwards."""
        for store in (self._reading, self._writing):
            store._get_conn(self._feast.config).close()
        cast(SqlRegistry, self._feast.registry).write_engine.dispose()

    def _service(self, name: str) -> Any:
        try:
            return self._feast.get_feature_service(name)
        except FeatureServiceNotFoundException as fault:
            known = ", ".join(sorted(s.name for s in self._feast.list_feature_services()))
            raise NotFound(f"no feature service {name!r}; there are: {known}") from fault

    def _online(self, view: str, ids: list[str]) -> list[tuple[datetime | None, str]]:
        """Return (time, text) of one view for each id; the text is empty where there is none."""
        keys = [_key(i) for i in ids]
        with self._read_lock:
            rows = self._reading.online_read(self._feast.config, self._views[view], keys)
        return [(at, _text(values)) for at, values in rows]

    def _write(self, view: str, feature: str, batch: list[Row]) -> int:
        rows: list[Any] = [
            (_key(i), {feature: Value(string_val=text)}, at, None) for i, text, at in batch
        ]
        with self._write_lock:
            self._writing.online_write_batch(
                self._feast.config, self._views[view], rows, progress=None
            )
        return len(batch)


def _connected(store: FeatureStore) -> SqliteOnlineStore:
    """Return an online store with a connection of its own, so that reads never wait for writes."""
    online = SqliteOnlineStore()
    db = online._get_conn(store.config)
    db.execute(f"PRAGMA busy_timeout = {_WAIT_MS}")
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")  # what was marked as written survives a power cut
    db.execute("PRAGMA cache_size = -65536")  # 64 MB; new keys come in no order
    return online


def _key(profile_id: str) -> EntityKey:
    return EntityKey(join_keys=[KEY], entity_values=[Value(string_val=profile_id)])


def _text(values: dict[str, Value] | None) -> str:
    return next(iter(values.values())).string_val if values else ""


def _stored(profile_id: str, state: str, records: str, at: datetime | None) -> StoredProfile:
    return StoredProfile(
        profile_id,
        State.from_json(state) if state else State(),
        json.loads(records) if records else {},
        at.astimezone(UTC) if at else None,
    )


def _in_order(found: pd.DataFrame) -> pd.DataFrame:
    """Return the feature columns in the order of `FEATURES`, booleans with NA."""
    known = {f.name: f.type for f in FEATURES}
    names = [n for n in known if n in found.columns]
    names += [n for n in found.columns if n not in (KEY, _MOMENT, *names)]
    booleans = {n: "boolean" for n in names if known.get(n) == "boolean"}
    return found[names].astype(booleans)


def _batches(rows: Iterable[Any]) -> Iterator[list[Any]]:
    waiting = iter(rows)
    while batch := list(islice(waiting, _BATCH)):
        yield batch
