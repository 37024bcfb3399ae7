"""The last word on a list: trees that order what all the other recommenders found."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

import numpy as np

from domain.errors import InvalidInput, NotEnoughData
from models.blend import BlendRecommender
from models.history import History
from models.interactions import Interactions
from models.manifest import load_model, read_manifest, saving
from models.popular import popularity
from models.protocols import Recommender
from models.rank_features import (
    HISTORY_FEATURES,
    ITEM_FEATURES,
    PAIR_FEATURES,
    ItemStatistics,
    features_of,
)
from models.rank_learning import Question, TaughtList, earlier_and_asked, grow
from models.ranking import Catalogue, RanksByScore

if TYPE_CHECKING:
    import lightgbm as lgb


class RankRecommender(RanksByScore):
    """Re-ranks what its members retrieve with LambdaMART (Burges 2010; LightGBM's `lambdarank`).

    Candidates are the known items of the history and the `depth` best others of each member. A tree
    sees of each: every member's score, its z-score, its rank among the candidates, and
    `rank_features`. Trees add to the base, the sum of the members' z-scores times `weights` (none
    given: the first member alone): without trees, for want of `least_lists` lists to learn from,
    the order is the base's. What is no candidate follows in the base's order. A history without
    known items gets the popular order.

    `strongest` is that of the base, as BlendRecommender says: what the trees add is of all that was
    done together, and of no single past item.

    A question without a list that was shown is learned twice: all candidates, and those not owned.
    `fit` learns the order from the latest fifth of the acts with members that know only the others,
    then fits the members to all. `learn` and `over` do the same in two steps, for a caller who
    knows more of the past (facts, exposures) than the acts say.
    """

    KIND: ClassVar[str] = "rank"
    members_: dict[str, Recommender]
    statistics_: ItemStatistics
    popularity_: np.ndarray  # (items,) float32
    booster_: "lgb.Booster | None"
    catalogue_: Catalogue

    def __init__(
        self,
        members: Mapping[str, Recommender] | None = None,
        *,
        weights: Mapping[str, float] | None = None,
        depth: int = 50,
        trees: int = 100,
        learning_rate: float = 0.08,
        leaves: int = 15,
        min_leaf: int = 50,
        list_length: int = 60,
        least_lists: int = 100,
        num_threads: int = 1,
        seed: int = 0,
    ) -> None:
        self.members = members
        self.weights = weights
        self.depth = depth
        self.trees = trees
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.min_leaf = min_leaf
        self.list_length = list_length
        self.least_lists = least_lists
        self.num_threads = num_threads
        self.seed = seed

    def fit(self, interactions: Interactions) -> Self:
        """Learn the order from the latest acts, and the members from all."""
        if not len(interactions):
            raise NotEnoughData("rank: no interactions to learn from; widen the time window")
        before, asked = earlier_and_asked(interactions)
        if asked:
            self.learn(self._fitted(before), before, asked)
        else:
            self.booster_ = None
        return self._set(self._fitted(interactions), interactions)

    def learn(
        self,
        members: Mapping[str, Recommender],
        interactions: Interactions,
        questions: Sequence[Question],
    ) -> Self:
        """Learn the order from questions asked of members that learned from `interactions`."""
        self._set(members, interactions)
        lists = list(self._lists(questions))
        self.booster_ = None
        if len(lists) >= self.least_lists:
            self.booster_ = grow(lists, self.trees, self._settings())
        return self

    def over(self, members: Mapping[str, Recommender], interactions: Interactions) -> Self:
        """Return the same order over members of another moment."""
        self._catalogue()
        return copy.copy(self)._set(members, interactions)

    def score_batch(self, histories: Sequence[History]) -> np.ndarray:
        """Return the score of each item for each history, (histories, items) float32."""
        catalogue = self._catalogue()
        found = np.empty((len(histories), len(catalogue)), dtype=np.float32)
        for row, history in enumerate(histories):  # one by one: a tree splits what rounding parts
            found[row] = self._scores(history, self._by_members(history))
        return found

    def strongest(
        self, history: History, positions: np.ndarray, top: int
    ) -> list[list[tuple[str, float]]]:
        """Return for each position the `top` past items that added most to the base."""
        self._catalogue()
        return self._blend.strongest(history, positions, top)

    def importance(self) -> dict[str, float]:
        """Return each feature's share of the gain, greatest first; empty without trees."""
        self._catalogue()
        if self.booster_ is None:
            return {}
        gain = self.booster_.feature_importance("gain")
        order = np.argsort(-gain, kind="stable")
        names = self._names()
        return {names[at]: float(gain[at] / max(gain.sum(), 1e-300)) for at in order}

    def save(self, folder: Path) -> None:
        """Write `items.npz`, `trees.txt` (LightGBM text) and a folder for each member."""
        params = {name: getattr(self, name) for name in _PARAMS}
        item_ids = self._catalogue().item_ids
        with saving(folder, self.KIND, params | {"members": list(self.members_)}) as draft:
            np.savez(
                draft / "items.npz",
                item_ids=item_ids,
                popularity=self.popularity_,
                numbers=self.statistics_.numbers,
                categories=self.statistics_.categories,
                brands=self.statistics_.brands,
            )
            if self.booster_ is not None:
                (draft / "trees.txt").write_text(self.booster_.model_to_string())
            for name, member in self.members_.items():
                member.save(draft / "members" / name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model with its members."""
        import lightgbm as lgb

        params = dict(read_manifest(folder, cls.KIND).params)
        names, trees = params.pop("members"), Path(folder) / "trees.txt"
        members = {name: load_model(Path(folder) / "members" / name) for name in names}
        model = cls(members, **params)
        with np.load(Path(folder) / "items.npz", allow_pickle=False) as arrays:
            model._join(members, arrays["item_ids"])
            model.popularity_ = arrays["popularity"]
            model.statistics_ = ItemStatistics.from_arrays(arrays)
        model.booster_ = lgb.Booster(model_str=trees.read_text()) if trees.exists() else None
        return model

    def _fitted(self, interactions: Interactions) -> dict[str, Recommender]:
        if not self.members:
            raise InvalidInput("rank: no members; give it at least one recommender by name")
        return {n: copy.deepcopy(m).fit(interactions) for n, m in self.members.items()}

    def _set(self, members: Mapping[str, Recommender], interactions: Interactions) -> Self:
        for name, member in members.items():
            if not np.array_equal(member.item_ids, interactions.item_ids):
                raise InvalidInput(f"rank: {name} knows other items; fit all members to the same")
        self._join(members, interactions.item_ids)
        self.popularity_ = popularity(interactions)
        self.statistics_ = ItemStatistics.of(interactions)
        return self

    def _join(self, members: Mapping[str, Recommender], item_ids: np.ndarray) -> None:
        self.members_, self.catalogue_ = dict(members), Catalogue(item_ids)
        weights = self._weights()
        used = {name: member for name, member in members.items() if weights[name] > 0}
        self._blend = BlendRecommender.of(used, weights={name: weights[name] for name in used})

    def _by_members(self, history: History) -> np.ndarray:
        """Return the score of each item by each member, (members, items)."""
        return np.stack([member.score_all(history) for member in self.members_.values()])

    def _scores(self, history: History, scores: np.ndarray) -> np.ndarray:
        """Return the score of each item, (items,); scores (members, items)."""
        own = np.unique(self.catalogue_.positions(history.item_ids))
        if not len(own):
            return self.popularity_
        z = _standard(scores)
        base = self._base(z)
        if self.booster_ is None:
            return np.asarray(base, dtype=np.float32)
        at = self._candidates(own, scores)
        rows = self._rows(history, scores, z, at)
        more = self.booster_.predict(rows, raw_score=True, num_threads=1)  # too few to share out
        ordered = base[at] + np.asarray(more)
        found = base - base.max() + ordered.min() - 1  # all below the candidates
        found[at] = ordered
        return np.asarray(found, dtype=np.float32)

    def _weights(self) -> dict[str, float]:
        """Return the weight of each member in the base."""
        weights = self.weights or {next(iter(self.members_)): 1.0}
        return {name: weights.get(name, 0.0) for name in self.members_}

    def _base(self, z: np.ndarray) -> np.ndarray:
        """Return the base of each item, (items,); z (members, items)."""
        return np.asarray(np.array(list(self._weights().values())) @ z)

    def _candidates(self, own: np.ndarray, scores: np.ndarray) -> np.ndarray:
        """Return the positions of the candidates, ascending."""
        others = scores.copy()
        others[:, own] = -np.inf
        depth = min(self.depth, scores.shape[1])
        best = np.argpartition(-others, depth - 1, axis=1)[:, :depth]
        return np.unique(np.concatenate([own, best.ravel()]))

    def _rows(
        self, history: History, scores: np.ndarray, z: np.ndarray, at: np.ndarray
    ) -> np.ndarray:
        """Return the features of the candidates, (m, n); scores and z (members, items)."""
        raw = scores[:, at]  # (members, m)
        places = np.argsort(np.argsort(-raw, axis=1, kind="stable"), axis=1, kind="stable")
        known = features_of(self.statistics_, self.catalogue_, history, at)
        members = np.concatenate([raw, z[:, at], np.log1p(places)]).T  # (m, 3 members)
        return np.concatenate([members, known], axis=1).astype(np.float32)

    def _lists(self, questions: Sequence[Question]) -> Iterator[TaughtList]:
        """Yield what the trees learn from: each list with something taken and something not."""
        rng = np.random.default_rng(self.seed)
        for question in questions:
            own = np.unique(self.catalogue_.positions(question.history.item_ids))
            if not len(own):
                continue
            scores = self._by_members(question.history)
            at = self._candidates(own, scores)
            if question.shown:
                at = np.unique(self.catalogue_.positions(question.shown))
            z = _standard(scores)
            taken = np.isin(at, self.catalogue_.positions(question.taken))
            whole = TaughtList(
                self._rows(question.history, scores, z, at), self._base(z)[at], taken
            )
            every = np.ones(len(at), dtype=bool)
            new = ~np.isin(at, self.catalogue_.positions(question.owned))
            for kept in [every] if question.shown else [every, new]:
                if taken[kept].any() and not taken[kept].all():
                    yield whole.sample(kept, self.list_length, rng)

    def _settings(self) -> dict[str, Any]:
        """Return how the trees grow, as LightGBM names it."""
        return {
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.min_leaf,
            "seed": self.seed,
            "num_threads": self.num_threads,
        }

    def _names(self) -> list[str]:
        of_members = [f"{what} of {n}" for what in ("score", "z", "place") for n in self.members_]
        return [*of_members, *ITEM_FEATURES, *PAIR_FEATURES, *HISTORY_FEATURES]


_PARAMS = (
    "weights", "depth", "trees", "learning_rate", "leaves", "min_leaf", "list_length",
    "least_lists", "num_threads", "seed",
)  # fmt: skip


def _standard(scores: np.ndarray) -> np.ndarray:
    """Return each member's scores less their mean over their spread, (members, items) float64."""
    exact = scores.astype(np.float64)
    spread = exact.std(axis=1, keepdims=True)
    middle = exact.mean(axis=1, keepdims=True)
    return np.asarray((exact - middle) / np.where(spread > 0, spread, 1.0))
