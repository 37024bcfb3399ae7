"""A blend adds what its members say, on one scale, weighed by what each proved to know."""

import copy
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import ClassVar, Self

import numpy as np

from domain.errors import InvalidInput
from models.blend_weights import Quality, Tried, best_weights
from models.history import History
from models.interactions import Interactions
from models.manifest import load_model, read_manifest, saving
from models.protocols import Explains, Recommender
from models.ranking import Catalogue, RanksByScore

MEMBERS = "members"  # the folder of the members' folders


class BlendRecommender(RanksByScore):
    """The weighted sum of the members' scores, for each history brought to one scale.

    `scale` "zscore": less their mean, over their standard deviation; "l2": over their length.
    Members that know nothing of a history give the popular order, so does their blend. `weights`
    names a weight of 0 or more for each member, all 1 where not given; `learn_weights` finds better
    ones on a validation cut. `fit` lets copies of the members learn; `of` takes them as they are.

    `strongest` adds what the members that are Explains say, times weight and scale: the shares of
    the score that past items are known to have, without the mean and the other members.
    """

    KIND: ClassVar[str] = "blend"
    catalogue_: Catalogue
    members_: dict[str, Recommender]

    def __init__(
        self,
        members: Mapping[str, Recommender],
        *,
        scale: str = "zscore",
        weights: Mapping[str, float] | None = None,
    ) -> None:
        self.members = members
        self.scale = scale
        self.weights = weights

    @classmethod
    def of(
        cls,
        members: Mapping[str, Recommender],
        *,
        scale: str = "zscore",
        weights: Mapping[str, float] | None = None,
    ) -> Self:
        """Blend members that have learned already, from the same catalogue."""
        blend = cls(members, scale=scale, weights=weights)
        blend._check()
        return blend._set(members)

    def fit(self, interactions: Interactions) -> Self:
        """Let a copy of each member learn; the weights stay as given."""
        self._check()
        ready = {name: copy.deepcopy(one).fit(interactions) for name, one in self.members.items()}
        return self._set(ready)

    def learn_weights(
        self, histories: Sequence[History], quality: Quality, *, tries: int = 60, seed: int = 0
    ) -> Tried:
        """Choose the weights of greatest `quality` of scores (histories, items); return them.

        The histories must end before what `quality` asks for, and the members must not have learned
        from that either.
        """
        self._catalogue()
        names = sorted(self.members_)
        scores = [self._scaled(self.members_[name], histories) for name in names]
        tried = best_weights(scores, quality, tries=tries, seed=seed)
        self.weights = dict(zip(names, tried.weights, strict=True))
        return tried

    def score_batch(self, histories: Sequence[History]) -> np.ndarray:
        """Return the score of each item for each history, (histories, items) float32."""
        total = np.zeros((len(histories), len(self._catalogue())), dtype=np.float32)
        for name, weight in self._weighed():
            total += np.float32(weight) * self._scaled(self.members_[name], histories)
        return total

    def strongest(
        self, history: History, positions: np.ndarray, top: int
    ) -> list[list[tuple[str, float]]]:
        """Return for each position the `top` past items that added most through the members."""
        self._catalogue()
        added: list[dict[str, float]] = [{} for _ in positions]
        for name, weight in self._weighed():
            member = self.members_[name]
            if isinstance(member, Explains):
                _, length = SCALES[self.scale](member.score_batch([history]))
                reasons = member.strongest(history, positions, len(history))
                _add(added, reasons, weight / float(length[0, 0]))
        return [
            sorted(of_item.items(), key=lambda pair: (-pair[1], pair[0]))[:top] for of_item in added
        ]

    def save(self, folder: Path) -> None:
        """Write a folder per member with a manifest over all."""
        self._catalogue()
        params = {"scale": self.scale, "weights": dict(self._weighed(everyone=True))}
        with saving(folder, self.KIND, params) as draft:
            for name, member in self.members_.items():
                member.save(draft / MEMBERS / name)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model with its members."""
        params = read_manifest(folder, cls.KIND).params
        members = {name: load_model(Path(folder) / MEMBERS / name) for name in params["weights"]}
        return cls.of(members, **params)

    def _set(self, members: Mapping[str, Recommender]) -> Self:
        catalogues = {name: member.item_ids for name, member in members.items()}
        first = next(iter(catalogues.values()))
        for name, item_ids in catalogues.items():
            if not np.array_equal(item_ids, first):
                raise InvalidInput(f"blend: member {name!r} has another catalogue; fit all anew")
        self.members_ = dict(members)
        self.catalogue_ = Catalogue(first)
        return self

    def _weighed(self, everyone: bool = False) -> list[tuple[str, float]]:
        """Return names and weights, in one order whatever the order given."""
        weights = self.weights or {}
        found = [(name, float(weights.get(name, 1.0))) for name in sorted(self.members_)]
        return [(name, weight) for name, weight in found if weight or everyone]

    def _scaled(self, member: Recommender, histories: Sequence[History]) -> np.ndarray:
        scores = member.score_batch(histories)
        middle, length = SCALES[self.scale](scores)
        return np.asarray(((scores - middle) / length).astype(np.float32))

    def _check(self) -> None:
        if not self.members:
            raise InvalidInput("blend: no members; name at least one recommender")
        if self.scale not in SCALES:
            raise InvalidInput(
                f"blend: scale is {self.scale!r}; give one of {sorted(SCALES)}", field="scale"
            )
        weights = self.weights or {}
        if unknown := sorted(set(weights) - set(self.members)):
            raise InvalidInput(f"blend: weights for {unknown}, which are no members")
        values = np.array([weights.get(name, 1.0) for name in self.members])
        if not (np.isfinite(values) & (values >= 0)).all() or not values.any():
            raise InvalidInput(f"blend: weights {dict(weights)}; give 0 or more, one above 0")


def _zscore(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    exact = scores.astype(np.float64)
    return exact.mean(axis=1, keepdims=True), _not_zero(exact.std(axis=1, keepdims=True))


def _l2(scores: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    exact = scores.astype(np.float64)
    return np.zeros((len(exact), 1)), _not_zero(np.linalg.norm(exact, axis=1, keepdims=True))


def _not_zero(length: np.ndarray) -> np.ndarray:
    return np.where(length > 0, length, 1.0)


SCALES: dict[str, Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]] = {
    "zscore": _zscore,
    "l2": _l2,
}  # scores (histories, items) -> what is taken off and divided by, each (histories, 1)


def _add(
    added: list[dict[str, float]], reasons: list[list[tuple[str, float]]], factor: float
) -> None:
    for of_item, more in zip(added, reasons, strict=True):
        for item_id, value in more:
            of_item[item_id] = of_item.get(item_id, 0.0) + factor * value
