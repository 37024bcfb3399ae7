"""Drift: how far those who are scored now differ from those that a model learned from."""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.gbm import GBMScorer
from models.targets import require_both_classes
from training.bootstrap import Estimate, Sample
from training.metrics import METRICS
from training.table_learning import folds_of

BINS, LEVELS = 10, 20
PEOPLE, FOLDS = 3_000, 3  # of each side, to tell them apart
_NOT_THERE, _OTHERS = "\0not there", "\0others"


def psi(before: pd.Series, now: pd.Series) -> float:
    """Return the population stability index: sum of (now - before) x log(now / before) over bins.

    Bins are tenths of `before`, of words its LEVELS most frequent; what is missing is one of its
    own. A half is added to every count, so that an empty bin is not infinitely far.
    """
    old, new = _binned(before, before), _binned(now, before)
    counts = pd.concat([old.value_counts(), new.value_counts()], axis=1).fillna(0.0) + 0.5
    shares = (counts / counts.sum()).to_numpy()
    return float(((shares[:, 1] - shares[:, 0]) * np.log(shares[:, 1] / shares[:, 0])).sum())


@dataclass(frozen=True, slots=True)
class ToldApart:
    """How well a model tells one side from the other (AUC, .5 not at all), and by which columns."""

    auc: Estimate
    by: tuple[str, ...]


def told_apart(
    before: pd.DataFrame, now: pd.DataFrame, who: tuple[np.ndarray, np.ndarray], seed: int
) -> ToldApart:
    """Return the classifier test (Lopez-Paz and Oquab 2017) of two frames with the same columns.

    `who` names the person of each row of both; one person is never learned from and tested on.
    """
    rng = np.random.default_rng(seed)
    picked = [np.sort(rng.permutation(len(f))[:PEOPLE]) for f in (before, now)]
    X = pd.concat([before.iloc[picked[0]], now.iloc[picked[1]]], ignore_index=True)
    people = np.concatenate([ids[rows] for ids, rows in zip(who, picked, strict=True)])
    is_now = np.repeat([0.0, 1.0], [len(rows) for rows in picked])
    require_both_classes(is_now)
    fold, score = folds_of(is_now, people, FOLDS, seed), np.empty(len(X))
    for part in range(FOLDS):
        train = fold != part
        score[~train] = _judge(seed).fit(X[train], is_now[train]).predict(X[~train])
    importance = _judge(seed).fit(X, is_now).importance()
    auc = Sample(is_now, people, seed).estimate(METRICS["auc"], score, resamples=200)
    return ToldApart(auc, tuple(importance)[:3])


def _judge(seed: int) -> GBMScorer:
    return GBMScorer(trees=60, leaves=6, learning_rate=0.1, min_leaf=30, num_threads=1, seed=seed)


def _binned(values: pd.Series, before: pd.Series) -> pd.Series:
    """Return the bin of each value; the bins are those of `before`."""
    missing = values.isna().to_numpy()
    if pd.api.types.is_numeric_dtype(before.dtype):
        known = before.dropna().astype(float)
        edges = np.empty(0)
        if len(known):
            edges = np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
        at = np.searchsorted(edges, values.astype(float).to_numpy(), side="right").astype(object)
        return pd.Series(np.where(missing, _NOT_THERE, at)).astype(str)
    words = values.astype(object).where(~missing, _NOT_THERE).astype(str)
    kept = {*before.dropna().astype(str).value_counts().index[:LEVELS], _NOT_THERE}
    return words.where(words.isin(kept), _OTHERS).reset_index(drop=True)
