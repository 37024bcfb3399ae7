"""Two protocols hide every algorithm: a Scorer rates customers, a Recommender orders items.

A recommender may say more of itself: Explains names the past items behind a score, Retrieves gives
the vectors whose inner product the score is.
"""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import ClassVar, Protocol, Self, runtime_checkable

import numpy as np
import pandas as pd

from models.history import History
from models.interactions import Interactions

Labelled = tuple[pd.DataFrame, np.ndarray]  # features (n, columns), target (n,)
Ranked = tuple[list[str], np.ndarray]  # item ids, best first; their scores (len(ids),) float32


@runtime_checkable
class Scorer(Protocol):
    """Rates each row of a frame with a probability or an amount.

    Columns are found by name: their order and extra columns change nothing, a missing one is
    InvalidInput. A category never seen in fit counts as missing. Scores keep the order of the rows.
    """

    KIND: ClassVar[str]

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        sample_weight: np.ndarray | None = None,
        validation: Labelled | None = None,
    ) -> Self:
        """Learn from X (n, columns), y (n,); `validation` may decide when to stop."""
        ...

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return one finite score per row, (n,) float64."""
        ...

    def save(self, folder: Path) -> None:
        """Write the fitted model as `folder`, replacing an older one."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model; it scores exactly as the one that was saved."""
        ...


@runtime_checkable
class Recommender(Protocol):
    """Orders items for a history, also one of a visitor never seen in fit.

    Unknown item ids in a history are ignored. A history without known items gets the popular
    order. Items of the history may come back: the caller says in `exclude` what must not.
    """

    KIND: ClassVar[str]

    @property
    def item_ids(self) -> np.ndarray:
        """The catalogue, (items,) text; every array of scores is in this order."""
        ...

    def fit(self, interactions: Interactions) -> Self:
        """Learn from who touched what."""
        ...

    def score_all(self, history: History) -> np.ndarray:
        """Return the score of each item, (items,) float32."""
        ...

    def score_batch(self, histories: Sequence[History]) -> np.ndarray:
        """Return the score of each item for each history, (histories, items) float32."""
        ...

    def recommend(self, history: History, k: int, exclude: Collection[str] = ()) -> Ranked:
        """Return at most `k` items, best first; fewer where fewer are eligible, never padding."""
        ...

    def recommend_batch(
        self, histories: Sequence[History], k: int, exclude: Sequence[Collection[str]] | None = None
    ) -> list[Ranked]:
        """Return what `recommend` gives for each history; `exclude` is one collection each."""
        ...

    def save(self, folder: Path) -> None:
        """Write the fitted model as `folder`, replacing an older one."""
        ...

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model; it scores exactly as the one that was saved."""
        ...


@runtime_checkable
class Explains(Protocol):
    """A recommender that can say which past items made a score, and how much each added."""

    def strongest(
        self, history: History, positions: np.ndarray, top: int
    ) -> list[list[tuple[str, float]]]:
        """Return for each asked position of the catalogue the past items that added most to it.

        At most `top` pairs (item id, added) each, greatest first; what all past items add sums to
        the score, or the model's docstring says how it does not.
        """
        ...


@runtime_checkable
class Retrieves(Protocol):
    """A recommender whose score is an inner product, so that an index of vectors can serve it."""

    @property
    def item_vectors(self) -> np.ndarray:
        """The item vectors, (items, d) float32, in the order of `item_ids`."""
        ...

    def user_vector(self, history: History) -> np.ndarray:
        """Return the visitor's vector, (d,) float32; zeros where no item is known."""
        ...
