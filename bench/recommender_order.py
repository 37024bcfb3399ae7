"""Rows of models that know the order of acts, and of their blend: trained before the validation."""

import hashlib
import json
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from recommender_data import Split
from recommender_table import Quality, evaluate
from scipy.sparse import csr_matrix

from models.blend import BlendRecommender
from models.history import History
from models.interactions import Interactions
from models.linear import LinearRecommender
from models.manifest import params_of
from models.protocols import Recommender
from models.sequence import SequenceRecommender
from models.transitions import TransitionsRecommender

K = 20
FEW = 0.05  # of the acts: where a cut holds back fewer, what was learned before it is kept
MOST_SCORES = 50_000_000  # of one member on the validation cut, to bound memory
SECONDS = "seconds.json"


class Shelf:
    """Trained sequence models by data and settings: one run trains each once.

    With a folder, later runs take them up from there, with the seconds that they took to train.
    """

    def __init__(self, folder: Path | None) -> None:
        self._folder = folder
        self._trained: dict[str, tuple[SequenceRecommender, float]] = {}

    def trained(self, model: SequenceRecommender, rows: Interactions) -> tuple[Recommender, float]:
        """Return the model after it learned from rows, and how many seconds that took."""
        name = key(model, rows)
        if name not in self._trained:
            self._trained[name] = self._read(name) or self._train(name, model, rows)
        return self._trained[name]

    def _read(self, name: str) -> tuple[SequenceRecommender, float] | None:
        if self._folder is None or not (self._folder / name).is_dir():
            return None
        seconds = json.loads((self._folder / f"{name}.{SECONDS}").read_text())
        return SequenceRecommender.load(self._folder / name), float(seconds)

    def _train(
        self, name: str, model: SequenceRecommender, rows: Interactions
    ) -> tuple[SequenceRecommender, float]:
        start = time.perf_counter()
        model.fit(rows)
        seconds = time.perf_counter() - start
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / f"{name}.{SECONDS}").write_text(json.dumps(seconds))
            model.save(self._folder / name)
        return model, seconds


def key(model: SequenceRecommender, rows: Interactions) -> str:
    """Return a name for a model's settings and what it learns from."""
    digest = hashlib.sha256(json.dumps(params_of(model), sort_keys=True).encode())
    order = np.lexsort((rows.times, rows.users)) if rows.times is not None else slice(None)
    for column in (rows.users[order], rows.items[order], rows.item_ids):
        digest.update(np.ascontiguousarray(column).tobytes())
    return f"sequence-{digest.hexdigest()[:16]}"


@dataclass(frozen=True)
class OrderOptions:
    """What the caller decides for models that know the order."""

    seed: int
    threads: int
    metric: str  # what weights are chosen by, on the validation cut
    epochs: int
    minutes: float | None
    length: int
    dropout: float
    shelf: Shelf

    def sequence(self) -> SequenceRecommender:
        """Return the sequence model of the table, untrained."""
        return SequenceRecommender(
            length=self.length,
            epochs=self.epochs,
            minutes=self.minutes,
            dropout=self.dropout,
            num_threads=self.threads,
            seed=self.seed,
        )


class SequenceRow:
    """The sequence model; where the cut holds back few acts, the one that the blend has too."""

    choosing_seconds = 0.0
    spared_seconds = 0.0  # of training that another row, or an earlier run, did

    def __init__(self, options: OrderOptions) -> None:
        self.options = options
        self.chosen = ""
        self._counted: set[int] = set()

    def fit(self, train: Interactions, cut: Split | None) -> None:
        """Learn from what was before the validation acts, or from all of train."""
        kept = cut is not None and _few(train, cut)
        rows = on_catalogue(cut, train.item_ids).train if kept and cut else train
        self.model, self.seconds = self._trained(rows)
        said = "; the validation acts are only in the histories" if kept else ""
        self.chosen = f"{_settings(self.model)}; trained in {self.seconds:.0f} s{said}"

    def scores(self, users: np.ndarray, histories: Sequence[History]) -> np.ndarray:
        """Return the scores of the histories."""
        return self.model.score_batch(histories)

    def recommend(self, user: int, history: History) -> object:
        """Answer one history."""
        return self.model.recommend(history, K, history.item_ids)

    def _trained(self, rows: Interactions) -> tuple[Recommender, float]:
        start = time.perf_counter()
        model, seconds = self.options.shelf.trained(self.options.sequence(), rows)
        if id(model) not in self._counted:
            self.spared_seconds += max(0.0, seconds - (time.perf_counter() - start))
            self._counted.add(id(model))
        return model, seconds


class BlendRow(SequenceRow):
    """The blend of sequence, linear with a decayed history, and transitions."""

    def __init__(self, options: OrderOptions, *, sequence: bool) -> None:
        super().__init__(options)
        self._sequence = sequence

    def fit(self, train: Interactions, cut: Split | None) -> None:
        """Choose the weights on the cut by members that learned before it; then learn from all."""
        weights, found = None, "equal weights: the data are too small for a validation cut"
        if cut is not None:
            start = time.perf_counter()
            wide = _fewer(on_catalogue(cut, train.item_ids))
            blend = BlendRecommender.of(self._members(wide.train, wide.train))
            tried = blend.learn_weights(
                wide.histories,
                lambda scores: float(evaluated(scores, wide).by_user[self.options.metric].mean()),
                seed=self.options.seed,
            )
            weights = blend.weights
            said = ", ".join(f"{name} {weight:.2f}" for name, weight in (weights or {}).items())
            found = f"{said}; {self.options.metric} {tried.quality:.4f} on validation"
            self.choosing_seconds = time.perf_counter() - start
        kept = on_catalogue(cut, train.item_ids).train if cut and _few(train, cut) else train
        self.model = BlendRecommender.of(self._members(train, kept), weights=weights)
        self.chosen = found

    def _members(self, rows: Interactions, of_sequence: Interactions) -> dict[str, Recommender]:
        members: dict[str, Recommender] = {
            "linear": decayed_linear(self.options.seed).fit(rows),
            "transitions": TransitionsRecommender().fit(rows),
        }
        if self._sequence:
            members["sequence"], _ = self._trained(of_sequence)
        return members


def decayed_linear(seed: int) -> LinearRecommender:
    """Return EASE whose history counts 0.8 a step back."""
    return LinearRecommender(ridge_share=1.0, step_decay=0.8, seed=seed)


class _Cached:
    """Scores that are known already, asked for by user."""

    chosen = ""

    def __init__(self, users: np.ndarray, scores: np.ndarray) -> None:
        self._users, self._scores = users, scores

    def fit(self, train: Interactions, cut: Split | None) -> None: ...

    def scores(self, users: np.ndarray, histories: Sequence[History]) -> np.ndarray:
        return self._scores[np.searchsorted(self._users, users)]

    def recommend(self, user: int, history: History) -> object: ...


def evaluated(scores: np.ndarray, split: Split) -> Quality:
    """Return the quality of scores (users of the split, items)."""
    return evaluate(_Cached(split.users, scores), split)


def on_catalogue(cut: Split, item_ids: np.ndarray) -> Split:
    """Return the same split over a wider catalogue, so that its models and the later ones agree."""
    at = np.searchsorted(item_ids, cut.train.item_ids)  # ids stand in sorted order
    train = replace(cut.train, items=at[cut.train.items], item_ids=item_ids)
    targets, seen = (_moved(one, at, len(item_ids)) for one in (cut.targets, cut.seen))
    return Split(train, cut.users, targets, seen, cut.wanted, cut.notes)


def _moved(matrix: csr_matrix, at: np.ndarray, width: int) -> csr_matrix:
    parts = (matrix.data, at[matrix.indices], matrix.indptr)
    return csr_matrix(parts, shape=(matrix.shape[0], width))


def _fewer(split: Split) -> Split:
    users = max(200, MOST_SCORES // len(split.train.item_ids))
    return split if len(split.users) <= users else split.only(np.arange(users))


def _few(train: Interactions, cut: Split) -> bool:
    return len(cut.train) >= (1 - FEW) * len(train)


def _settings(model: Recommender) -> dict[str, object]:
    named = ("length", "width", "blocks", "negatives", "dropout", "epochs", "minutes")
    return {name: value for name, value in params_of(model).items() if name in named}
