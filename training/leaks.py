"""A leak is a column that knows the outcome because it was filled in after it."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from training.metrics import METRICS

ALONE, NEARLY_ALONE = 0.90, 0.85  # AUC of one column: no honest one comes so far in a hard question
TELLS = 0.58  # AUC from which a column is more than noise
PURE = 0.03  # a level whose rate is this near to 0 or 1 decides the outcome
MIN_LEVEL, PURE_SHARE = 50, 0.15  # rows of a level that counts; share of rows that such levels hold
FILLED_AUC = 0.90  # AUC of "is it filled in at all"
GAPS = 0.20  # share of missing from which a column is filled in for some only
_FOLDS, _PRIOR, _BINS = 5, 10.0, 20

PLACEHOLDERS = frozenset(("", "-", "?", "n/a", "na", "none", "null", "nan", "select", "unknown"))
JUDGED = frozenset(  # words that name what somebody made of a record, later
    [
        "tag",
        "tags",
        "quality",
        "profile",
        "index",
        "score",
        "grade",
        "rating",
        "status",
        "outcome",
        "result",
        "disposition",
        "remark",
        "remarks",
        "comment",
        "comments",
        "notes",
        "notable",
        "reason",
        "stage",
        "resolution",
    ]
)
LATEST = frozenset(("last", "latest", "final", "closing"))
_DONE = re.compile(
    r"\b(modified|closed|converted|won|lost|unreachable|resubscribed|cancelled|refunded)\b", re.I
)


@dataclass(frozen=True, slots=True)
class Leak:
    """A column and why it is one; `sure` ones are left out, the others are named and stay."""

    column: str
    sure: bool
    reason: str


def find_leaks(X: pd.DataFrame, y: np.ndarray, seed: int = 0) -> list[Leak]:
    """Return the columns of X (n, columns) that seem to know y (n,) in {0, 1}, sure ones first."""
    alone = {str(c): _alone(X[c], y, seed) for c in X}
    found = [leak for c in X if (leak := _judge(X[c], y, alone[str(c)])) is not None]
    sure = {leak.column for leak in found if leak.sure}
    found = [leak for leak in found if leak.sure] + [leak for leak in found if not leak.sure]
    return _with_their_block(X, found, sure)


def _judge(column: pd.Series, y: np.ndarray, auc: float) -> Leak | None:
    name, filled = str(column.name), ~is_missing(column)
    if auc >= ALONE:
        return Leak(name, True, f"alone it orders the outcomes with AUC {auc:.3f}")
    if 0 < filled.mean() < 1:
        of_filled = METRICS["auc"].of(y, filled.astype(float))
        if max(of_filled, 1 - of_filled) >= FILLED_AUC:
            return Leak(name, True, "whether it is filled in at all tells the outcome")
    if _decides(column, y):
        return Leak(name, True, "some of its levels are all but certain, for and against")
    return _by_name(column, filled.mean(), auc)


def _by_name(column: pd.Series, filled: float, auc: float) -> Leak | None:
    """Judge by what a column is called, and only where it tells something."""
    name = str(column.name)
    words = set(re.findall(r"[a-z]+", re.sub(r"([a-z])([A-Z])", r"\1 \2", name).lower()))
    judged = words & JUDGED
    if judged and auc >= TELLS and 1 - filled >= GAPS:
        return Leak(
            name, True, f"a {min(judged)!r} that is filled in for {filled:.0%} only, so later"
        )
    if judged and auc >= TELLS and _DONE.search(" ".join(_levels(column))):
        return Leak(name, True, f"a {min(judged)!r} whose levels name how the record ended")
    if words & LATEST and auc >= TELLS:
        return Leak(
            name, False, f"the latest of something may be of after the outcome, AUC {auc:.3f}"
        )
    if auc >= NEARLY_ALONE:
        return Leak(name, False, f"alone it orders the outcomes with AUC {auc:.3f}")
    return None


def _with_their_block(X: pd.DataFrame, found: list[Leak], sure: set[str]) -> list[Leak]:
    """Add the columns that are filled in for just the rows for which a sure leak is."""
    masks = {c: is_missing(X[c]).tobytes() for c in map(str, X) if is_missing(X[c]).mean() >= GAPS}
    blocks: Mapping[bytes, str] = {masks[c]: c for c in sure if c in masks}
    more = [
        Leak(c, True, f"filled in for just the rows for which {blocks[mask]!r} is")
        for c, mask in masks.items()
        if c not in sure and mask in blocks
    ]
    named = {leak.column for leak in more}
    return sorted(
        [leak for leak in found if leak.column not in named] + more, key=lambda leak: not leak.sure
    )


def is_missing(column: pd.Series) -> np.ndarray:
    """Return which values are missing or a placeholder such as 'Select' or 'n/a', (n,) bool."""
    missing = column.isna().to_numpy(dtype=bool)
    if pd.api.types.is_numeric_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return missing
    return missing | column.astype(str).str.strip().str.lower().isin(PLACEHOLDERS).to_numpy()


def _alone(column: pd.Series, y: np.ndarray, seed: int) -> float:
    """Return the cross-fitted AUC of one column, by the outcome rate of its levels or bins."""
    codes = _coded(column)
    fold = np.random.default_rng(seed).integers(0, _FOLDS, len(y))
    rates, mean = np.empty(len(y)), float(y.mean())
    for part in range(_FOLDS):
        train = fold != part
        count = np.bincount(codes[train], minlength=codes.max() + 1)
        hits = np.bincount(codes[train], weights=y[train], minlength=codes.max() + 1)
        rates[~train] = ((hits + mean * _PRIOR) / (count + _PRIOR))[codes[~train]]
    return METRICS["auc"].of(y, rates)


def _coded(column: pd.Series) -> np.ndarray:
    """Return a code per row: a level, a bin of equal mass, or one for missing."""
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return np.asarray(pd.factorize(column.astype(str))[0])
    values = column.to_numpy(dtype=np.float64, na_value=np.nan)
    edges = np.unique(np.nanquantile(values, np.linspace(0, 1, _BINS + 1)))
    return np.where(np.isnan(values), len(edges) + 1, np.searchsorted(edges, values))


def _decides(column: pd.Series, y: np.ndarray) -> bool:
    """Say whether levels near 0 and levels near 1 both hold a good share of the rows."""
    if pd.api.types.is_numeric_dtype(column) and column.nunique() > _BINS:
        return False
    table = pd.DataFrame({"level": column.astype(str).to_numpy(), "y": y}).groupby("level")["y"]
    rates, counts = table.mean(), table.count()
    large = counts >= MIN_LEVEL
    never = counts[large & (rates <= PURE)].sum() / len(y)
    always = counts[large & (rates >= 1 - PURE)].sum() / len(y)
    return bool(min(never, always) >= PURE_SHARE)


def _levels(column: pd.Series) -> list[str]:
    if pd.api.types.is_numeric_dtype(column):
        return []
    return [str(level) for level in column.dropna().unique()[:200]]
