"""Partial effects: the mean score of the same people as one feature changes and all else stays."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from domain.features import FEATURES as KNOWN_FEATURES
from models.protocols import Scorer
from training.wording import worded

FEATURES, PEOPLE = 6, 300  # how many features, and for how many people
_POINTS = 8  # of the range of a number, between its 5 % and its 95 % quantile
_LEVELS = 6
_RANGE = (0.05, 0.95)
_OURS = frozenset(feature.name for feature in KNOWN_FEATURES)


@dataclass(frozen=True, slots=True)
class Effect:
    """`points` are (value, mean score), ascending for a number, the most frequent first for words.

    The features of a model hang together, so an effect says how the model reckons, not what would
    happen if somebody changed the feature.
    """

    feature: str
    is_number: bool
    points: tuple[tuple[float | str, float], ...]

    @property
    def span(self) -> float:
        """How far the mean score moves."""
        means = [mean for _, mean in self.points]
        return max(means) - min(means)

    def in_words(self) -> tuple[str, str]:
        """Return what the feature says where the score is lowest, and where it is highest."""
        ends = (min(self.points, key=lambda p: p[1]), max(self.points, key=lambda p: p[1]))
        low, high = (f"{_said(self.feature, value)}: {mean:.3g}" for value, mean in ends)
        return low, high


def partial_effects(
    scorer: Scorer, X: pd.DataFrame, features: Iterable[str], seed: int, most: int = FEATURES
) -> list[Effect]:
    """Return the effects (Friedman 2001, section 8.2) of up to `most` of these features of X."""
    rng = np.random.default_rng(seed)
    people = X.iloc[np.sort(rng.permutation(len(X))[:PEOPLE])].reset_index(drop=True)
    found = []
    for name in [f for f in features if f in X][:most]:
        values = _values(X[name])
        if len(values) > 1:
            means = _means(scorer, people, name, values)
            points = tuple(zip(values, means, strict=True))
            found.append(Effect(name, not isinstance(values[0], str), points))
    return found


def widest(effects: Iterable[Effect]) -> list[Effect]:
    """Return the FEATURES effects that move the score most, most first."""
    return sorted(effects, key=lambda effect: -effect.span)[:FEATURES]


def _values(column: pd.Series) -> list[float | str]:
    """Return the values to try."""
    known = column.dropna()
    if pd.api.types.is_numeric_dtype(column.dtype):
        if not len(known):
            return []
        marks = np.quantile(known.astype(float), np.linspace(*_RANGE, _POINTS))
        return [float(v) for v in np.unique(marks)]
    return [str(v) for v in known.astype(object).value_counts().index[:_LEVELS]]


def _said(feature: str, value: float | str) -> str:
    """Return a value in words, of a column that is no feature of ours as it stands."""
    if feature in _OURS:
        return worded(feature, value)
    return value if isinstance(value, str) else f"{value:.4g}"


def _means(
    scorer: Scorer, people: pd.DataFrame, name: str, values: list[float | str]
) -> list[float]:
    """Return the mean score of the people with each of these values, all asked at once."""
    kind = "object" if isinstance(values[0], str) else "float64"  # also between whole numbers
    column = np.repeat(np.array(values, dtype=kind), len(people))
    whole = people.iloc[np.tile(np.arange(len(people)), len(values))].reset_index(drop=True)
    asked = whole.assign(**{name: pd.Series(column, dtype=kind)})
    return [float(m) for m in scorer.predict(asked).reshape(len(values), -1).mean(axis=1)]
