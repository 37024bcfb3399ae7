"""Several scorers asked together: their mistakes differ, so their mean errs less than each."""

import copy
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import pandas as pd

from domain.errors import InvalidInput
from models.fitted import require_fitted
from models.manifest import load_model, read_manifest, saving
from models.protocols import Labelled, Scorer

_SMALLEST = 1e-6  # probabilities are kept this far from 0 and 1 before they become log-odds


class AverageScorer:
    """The mean of its members' log-odds, turned back into a probability; all weigh alike.

    Members are fitted each on the same rows; a name per member keeps their folders apart.
    """

    KIND: ClassVar[str] = "average"
    members_: dict[str, Scorer]

    def __init__(self, members: Mapping[str, Scorer]) -> None:
        self.members = members

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        sample_weight: np.ndarray | None = None,
        validation: Labelled | None = None,
    ) -> Self:
        """Fit a copy of each member on X (n, columns), y (n,) in {0, 1}."""
        if not self.members:
            raise InvalidInput("average: give at least one member")
        self.members_ = {
            name: copy.deepcopy(member).fit(
                X, y, sample_weight=sample_weight, validation=validation
            )
            for name, member in self.members.items()
        }
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return one probability per row, (n,) float64."""
        require_fitted(self, "members_")
        return mean_of_odds([member.predict(X) for member in self.members_.values()])

    def contributions(self, X: pd.DataFrame) -> np.ndarray:
        """Return the mean contributions of the members that know their own, (n, features)."""
        knowing = self._knowing("contributions")
        total, names = np.zeros((len(X), len(self.features))), list(self.features)
        for member in knowing:
            at = [names.index(name) for name in member.features]
            total[:, at] += member.contributions(X)
        return total / len(knowing)

    def importance(self) -> dict[str, float]:
        """Return the importance of the first member that knows its own."""
        return dict(self._knowing("importance")[0].importance())

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the columns that the members were trained with."""
        require_fitted(self, "members_")
        named = (getattr(member, "features", ()) for member in self.members_.values())
        return tuple(next((names for names in named if names), ()))

    def save(self, folder: Path) -> None:
        """Write one folder per member with a manifest over all."""
        require_fitted(self, "members_")
        names = {"names": list(self.members_)}
        with saving(folder, self.KIND, names) as draft:
            for at, member in enumerate(self.members_.values()):
                member.save(draft / f"member{at}")

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model with its members."""
        names = read_manifest(folder, cls.KIND).params["names"]
        members = {name: load_model(Path(folder) / f"member{at}") for at, name in enumerate(names)}
        average = cls(members)
        average.members_ = members
        return average

    def _knowing(self, what: str) -> list[Any]:
        """Return the members that have the method `what`."""
        require_fitted(self, "members_")
        found = [member for member in self.members_.values() if hasattr(member, what)]
        if not found:
            raise InvalidInput(f"average: no member tells its {what}; add a tree model to it")
        return found


def mean_of_odds(scores: Sequence[np.ndarray]) -> np.ndarray:
    """Return the probability whose log-odds are the mean of those of `scores`, each (n,)."""
    kept = [np.clip(p, _SMALLEST, 1 - _SMALLEST) for p in scores]
    odds = np.mean([np.log(p) - np.log1p(-p) for p in kept], axis=0)
    return np.asarray(np.exp(-np.logaddexp(0.0, -odds)))
