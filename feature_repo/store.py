"""The only door to Feast: training frames from the offline store, states and scores online.

Reads and writes online go to Feast's online store directly, with the views looked up once: the
general calls of Feast look everything up each time and cost a hundred times as much.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, cast

import feature_repo.light_feast  # noqa: F401  # isort: skip

import pandas as pd
from feast import FeatureStore
from feast.errors import FeatureServiceNotFoundException
from feast.infra.registry.sql import SqlRegistry

from domain.behaviour import State
from domain.errors import InvalidInput, NotFound
from domain.features import FEATURES
from domain.settings import EMBEDDED
from feature_repo.definitions import KEY
from feature_repo.online import RESERVED, SCORES, STATE, Exchange, Online, Row
from feature_repo.online_sqlite import SqliteOnline
from feature_repo.registration import registered_store
from feature_repo.remembered import Remembered
from feature_repo.score_history import ScoreHistory

_BATCH = 5_000  # rows per transaction: a tenth of a second for which other writers wait
_MOMENT = "event_timestamp"


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
        self._kept = _online(store, home)
        self.remembered = Remembered()

    @classmethod
    def open(cls, home: Path, online_store: str = EMBEDDED) -> "Features":
        """Open the store under `home`; definitions are registered when they are new or changed.

        `online_store` is "sqlite" (a file under `home`) or a `redis://` URL.
        """
        home = home.resolve()
        home.mkdir(parents=True, exist_ok=True)
        return cls(registered_store(home, online_store), home)

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
        asked = (i for i in dict.fromkeys(profile_ids) if not i.startswith(RESERVED))
        for ids in _batches(asked):
            states, scores = self._kept.read(STATE, ids), self._kept.read(SCORES, ids)
            for profile_id, (at, state), (_, records) in zip(ids, states, scores, strict=True):
                if state or records:
                    found[profile_id] = self._stored(profile_id, state, records, at)
        return found

    def texts(self, ids: Sequence[str]) -> dict[str, str]:
        """Return the JSON text of each state as it was last committed; no writer is waited for."""
        found = self._kept.read(STATE, ids)
        return {i: text for i, (_, text) in zip(ids, found, strict=True) if text}

    def write_states(self, rows: Iterable[Row]) -> int:
        """Store states as JSON text, replacing what is there; return how many.

        There is no check of time: the last call wins, even with an older `at`.
        """
        return sum(self._write(STATE, batch) for batch in _batches(rows))

    def exchange(self) -> AbstractContextManager[Exchange]:
        """Open an exchange: states read and written with nobody else's write between the two."""
        return self._kept.exchange()

    def write_scores(self, rows: Iterable[Row]) -> int:
        """Store all score records of each profile as JSON text, online and in the history."""
        with self._history.writer() as history:
            count = 0
            for batch in _batches(rows):
                history.add(batch)
                count += self._write(SCORES, batch)
        self._kept.flush()
        return count

    def delete(self, profile_ids: Iterable[str]) -> int:
        """Remove profiles from the online store; return how many values went."""
        gone = 0
        for ids in _batches(profile_ids):
            gone += self._kept.delete(ids)
        self.forget()
        return gone

    def forget(self) -> None:
        """Let go of everything that is kept in memory; somebody may have been erased."""
        self.remembered.clear()

    def compact(self) -> bool:
        """Write what is kept online anew, without what was deleted; False where that failed."""
        return self._kept.compact()

    def close(self) -> None:
        """Close the files; the store cannot be used afterwards."""
        self._kept.close()
        cast(SqlRegistry, self._feast.registry).write_engine.dispose()

    def _service(self, name: str) -> Any:
        try:
            return self._feast.get_feature_service(name)
        except FeatureServiceNotFoundException as fault:
            known = ", ".join(sorted(s.name for s in self._feast.list_feature_services()))
            raise NotFound(f"no feature service {name!r}; there are: {known}") from fault

    def _stored(
        self, profile_id: str, state: str, records: str, at: datetime | None
    ) -> StoredProfile:
        return StoredProfile(
            profile_id,
            self.remembered.kept(profile_id, state).state if state else State(),
            json.loads(records) if records else {},
            at.astimezone(UTC) if at else None,
        )

    def _write(self, view: str, batch: list[Row]) -> int:
        self._kept.write(view, batch)
        return len(batch)


def _online(store: FeatureStore, home: Path) -> Online:
    """Return the place that the set-up names."""
    if store.config.online_store.type == EMBEDDED:
        return SqliteOnline(store, home)
    from feature_repo.online_redis import RedisOnline  # its library only where it is used

    return RedisOnline(store)


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
