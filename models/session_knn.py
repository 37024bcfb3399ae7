"""Visitors who just did the same: the nearest past sessions vote. The reference for sessions."""

from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from domain.errors import InvalidInput, NotEnoughData
from models.history import History
from models.interactions import Interactions
from models.manifest import params_of, read_manifest, saving
from models.popular import popularity
from models.ranking import Catalogue, RanksByScore
from models.sessions import Sessions

_TIE_BREAK = 1e-6  # of the popularity share: orders the items of no neighbour


class SessionKNNRecommender(RanksByScore):
    """VMIS-kNN (Kersbergen, Sprangers & Schelter 2022, "Serenade", algorithm 1).

    Of the last `length` items of the history, the most recent counts 1, each before it 1/length
    less. Of the `recent` latest sessions that share an item, the `neighbours` whose shared items
    count most together vote for their items: with that sum, times 1 - 0.1 a step back to the latest
    shared item (0 from ten steps on), times log(sessions / sessions with the item) of the item
    voted for. A pause of `pause_minutes` begins a new session.

    The score is the sum of the votes, each past item's share of them known, and in addition
    0.000001 times the item's share of all weight, which no past item is the reason of.
    """

    KIND: ClassVar[str] = "session_knn"
    catalogue_: Catalogue
    sessions_: Sessions
    idf_: np.ndarray  # (items,) float64
    popularity_: np.ndarray  # (items,) float32

    def __init__(
        self,
        *,
        length: int = 10,
        recent: int = 500,
        neighbours: int = 100,
        pause_minutes: float = 30.0,
    ) -> None:
        self.length = length
        self.recent = recent
        self.neighbours = neighbours
        self.pause_minutes = pause_minutes

    def fit(self, interactions: Interactions) -> Self:
        """Index the sessions."""
        for name in ("length", "recent", "neighbours"):
            if getattr(self, name) < 1:
                raise InvalidInput(
                    f"session_knn: {name} is {getattr(self, name)}; give 1 or more", field=name
                )
        if not len(interactions):
            raise NotEnoughData("session_knn: no sessions to compare with; widen the time window")
        self.sessions_ = Sessions.of(interactions, self.pause_minutes, self.recent)
        held = np.bincount(self.sessions_.items.indices, minlength=len(interactions.item_ids))
        self.idf_ = np.log((self.sessions_.items.shape[0] + 1) / np.maximum(held, 1))
        self.popularity_ = popularity(interactions)
        self.catalogue_ = Catalogue(interactions.item_ids)
        return self

    def score_batch(self, histories: Sequence[History]) -> np.ndarray:
        """Return the score of each item for each history, (histories, items) float32."""
        catalogue = self._catalogue()
        scores = np.zeros((len(histories), len(catalogue)), dtype=np.float32)
        for row, history in enumerate(histories):
            _, neighbours, shares = self._nearest(history)
            votes = shares.sum(axis=0)  # (n,)
            scores[row] = self._voted(neighbours, votes) * self.idf_
        return scores + np.float32(_TIE_BREAK) * self.popularity_

    def strongest(
        self, history: History, positions: np.ndarray, top: int
    ) -> list[list[tuple[str, float]]]:
        """Return for each position the `top` past items that gave its voters their votes."""
        at, neighbours, shares = self._nearest(history)
        held = self.sessions_.items[neighbours][:, positions].toarray()  # (n, asked)
        added = (shares @ held) * self.idf_[positions]  # (m, asked)
        order = np.argsort(-added, axis=0, kind="stable")[:top]  # (top, asked)
        ids = self.item_ids[at]
        return [
            [(str(ids[row]), float(added[row, column])) for row in best if added[row, column]]
            for column, best in enumerate(order.T)
        ]

    def save(self, folder: Path) -> None:
        """Write `sessions.npz` with a manifest."""
        catalogue = self._catalogue()
        with saving(folder, self.KIND, params_of(self)) as draft:
            np.savez(
                draft / "sessions.npz",
                item_ids=catalogue.item_ids,
                popularity=self.popularity_,
                idf=self.idf_,
                items=self.sessions_.items.indices,
                item_starts=self.sessions_.items.indptr,
                holders=self.sessions_.holders.indices,
                holder_starts=self.sessions_.holders.indptr,
            )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model."""
        model = cls(**read_manifest(folder, cls.KIND).params)
        with np.load(Path(folder) / "sessions.npz", allow_pickle=False) as arrays:
            model.catalogue_ = Catalogue(arrays["item_ids"])
            model.popularity_, model.idf_ = arrays["popularity"], arrays["idf"]
            model.sessions_ = Sessions.from_arrays(
                (arrays["items"], arrays["item_starts"]),
                (arrays["holders"], arrays["holder_starts"]),
            )
        return model

    def _nearest(self, history: History) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the read items (m,), the nearest sessions (n,), and shares of votes (m, n)."""
        at, worth = self._read(history)
        holders = self.sessions_.holders
        lists = [holders.indices[holders.indptr[i] : holders.indptr[i + 1]] for i in at]
        if not len(at):
            return at, np.empty(0, dtype=np.int64), np.zeros((0, 0))
        found = np.concatenate(lists)
        sessions, slot = np.unique(found, return_inverse=True)
        shared = np.zeros((len(at), len(sessions)))  # (m, sessions)
        shared[np.repeat(np.arange(len(at)), [len(one) for one in lists]), slot] = 1.0
        shares = shared * worth[:, None]
        likeness = shares.sum(axis=0)
        latest = max(0, len(sessions) - self.recent)  # sessions stand by time of their last act
        order = np.argsort(-likeness[latest:][::-1], kind="stable")[: self.neighbours]
        best = np.sort(len(sessions) - 1 - order)
        steps = shared[:, best].argmax(axis=0)  # at is the most recent first
        return at, sessions[best], shares[:, best] * np.maximum(0, 1 - 0.1 * steps)

    def _read(self, history: History) -> tuple[np.ndarray, np.ndarray]:
        """Return the last distinct known items, the most recent first, and what each counts."""
        known = self._catalogue().positions(history.item_ids)[::-1]
        first = np.sort(np.unique(known, return_index=True)[1])[: self.length]
        return known[first], 1 - np.arange(len(first)) / self.length

    def _voted(self, neighbours: np.ndarray, votes: np.ndarray) -> np.ndarray:
        """Return the sum of the votes for each item, (items,)."""
        items = self.sessions_.items
        starts, ends = items.indptr[neighbours], items.indptr[neighbours + 1]
        lists = [items.indices[a:b] for a, b in zip(starts, ends, strict=True)]
        if not lists:
            return np.zeros(items.shape[1])
        return np.bincount(
            np.concatenate(lists),
            weights=np.repeat(votes, ends - starts),
            minlength=items.shape[1],
        )
