"""The test of a plain table: on rows nobody learned from, by folds or in the order of time."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from models.logistic import LogisticScorer
from training.table_columns import Prepared
from training.table_learning import folds_of, learn

Side = tuple[pd.DataFrame, np.ndarray, pd.DataFrame]  # X and y to learn from, X to score
OURS, RATE = "ours", "base rate"
LAST = 0.2  # share of rows that is the test where there is a time


@dataclass(frozen=True, slots=True)
class Tested:
    """Outcome y (n,), who (n,), and per name the scores (n,) of the rows that were tested.

    `rows` (n,) are their positions in the table.
    """

    rows: np.ndarray
    y: np.ndarray
    who: np.ndarray
    scores: dict[str, np.ndarray]
    how: str
    sides: list[Side]


def tested_table(
    table: Prepared, seed: int, threads: int, folds: int = 5, repeats: int = 1
) -> Tested:
    """Score rows that the model did not learn from; the same splits for the baselines."""
    y, sides = table.y, list(_sides(table, seed, folds, repeats))
    found: dict[str, list[np.ndarray]] = {}
    given: list[Side] = []
    for number, (train, test) in enumerate(sides):
        X, known, asked = table.X, y[train], table.X[test]
        learned = learn(X[train], known, table.who[train], seed + number, threads)
        given.append((X[train], known, asked))
        found.setdefault(OURS, []).append(learned.scorer.predict(asked))
        lines = LogisticScorer(knots=0).fit(X[train], known)
        found.setdefault("logistic", []).append(lines.predict(asked))
        found.setdefault(RATE, []).append(np.full(int(test.sum()), known.mean()))
    at = np.concatenate([np.flatnonzero(test) for _, test in sides])
    scores = {name: np.concatenate(parts) for name, parts in found.items()}
    how = f"the last {LAST:.0%} of the rows in the order of time"
    if table.when is None:
        how = f"{folds} folds, {repeats} times, each row scored by models that never saw it"
    return Tested(at, y[at], table.who[at], scores, how, given)


def _sides(
    table: Prepared, seed: int, folds: int, repeats: int
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield (train, test) as masks (n,); of one person all rows are on one side."""
    if table.when is not None:
        test = np.arange(len(table.y)) >= int(len(table.y) * (1 - LAST))
        yield ~test & ~np.isin(table.who, table.who[test]), test
        return
    for repeat in range(repeats):
        fold = folds_of(table.y, table.who, folds, seed + 1_000 * repeat)
        for part in range(folds):
            yield fold != part, fold == part
