"""An encoder makes one float matrix of mixed columns, the same in training and serving."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import pandas as pd

from domain.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class Column:
    """One feature: a number (`levels` None) or a category with its known levels, in order."""

    name: str
    levels: tuple[str, ...] | None = None


class FrameEncoder:
    """Learns which columns are categories and their levels; encodes any later frame alike.

    Numbers and booleans stay numbers; +-inf counts as missing. Text, categorical and mixed columns
    become level codes 0, 1, ...; an unknown level, or one beyond the `max_levels` most frequent,
    counts as missing (NaN). Columns are found by name, extra columns are ignored.
    """

    columns_: tuple[Column, ...]

    def __init__(self, *, max_levels: int = 200) -> None:
        self.max_levels = max_levels

    def fit(self, X: pd.DataFrame) -> Self:
        """Learn the columns of X, in their order."""
        if not isinstance(X, pd.DataFrame) or X.shape[1] == 0:
            raise InvalidInput("features: give a pandas DataFrame with at least one column")
        names = [str(name) for name in X.columns]
        if len(set(names)) != len(names):
            raise InvalidInput("features: two columns have the same name; rename or drop one")
        self.columns_ = tuple(
            Column(name, self._levels(X.iloc[:, at])) for at, name in enumerate(names)
        )
        return self

    @property
    def names(self) -> tuple[str, ...]:
        """The feature names, in the order of the encoded columns."""
        return tuple(column.name for column in self.columns_)

    @property
    def categories(self) -> list[int]:
        """The positions of the categorical features."""
        return [at for at, column in enumerate(self.columns_) if column.levels is not None]

    def encode(self, X: pd.DataFrame) -> np.ndarray:
        """Return (n, features) float64 in learned order, NaN where missing."""
        require_columns(X, self.names)
        encoded = np.empty((len(X), len(self.names)), dtype=np.float64)
        for at, column in enumerate(self.columns_):
            series = X[column.name]
            if column.levels is None:
                encoded[:, at] = numbers(series)
            else:
                encoded[:, at] = _codes(series, column.levels)
        return encoded

    def to_plain(self) -> dict[str, Any]:
        """Return the learned columns as plain JSON values."""
        return {"columns": [asdict(column) for column in self.columns_]}

    @classmethod
    def from_plain(cls, plain: dict[str, Any]) -> Self:
        """Rebuild an encoder from `to_plain`."""
        encoder = cls()
        encoder.columns_ = tuple(
            Column(c["name"], None if c["levels"] is None else tuple(c["levels"]))
            for c in plain["columns"]
        )
        return encoder

    def _levels(self, series: pd.Series) -> tuple[str, ...] | None:
        if _is_number(series):
            return None
        if pd.api.types.is_datetime64_any_dtype(series) or series.dtype.kind in "mM":
            raise InvalidInput(
                f"feature {series.name!r} is a point in time; give days before the cut-off",
                field=str(series.name),
            )
        counts = series.dropna().map(_text).value_counts()
        # Ties are broken by name, so that the order of the rows changes nothing.
        ranked = sorted(counts.items(), key=lambda pair: (-pair[1], str(pair[0])))
        return tuple(sorted(str(level) for level, _ in ranked[: self.max_levels]))


def require_columns(X: pd.DataFrame, names: Iterable[str]) -> None:
    """Raise InvalidInput naming every column of `names` that X lacks."""
    missing = [name for name in names if name not in X.columns]
    if missing:
        raise InvalidInput(
            f"features: missing {', '.join(map(repr, missing))}; the model was trained with "
            "these columns, so build the frame by the same feature service",
            field=missing[0],
        )


def numbers(series: pd.Series) -> np.ndarray:
    """Return a column as (n,) float64 with NaN for missing and infinite values."""
    try:
        values = pd.to_numeric(series).to_numpy(dtype=np.float64, na_value=np.nan)
    except (ValueError, TypeError) as wrong:
        raise InvalidInput(
            f"feature {series.name!r} was a number in training and now is not: {wrong}",
            field=str(series.name),
        ) from wrong
    return np.where(np.isfinite(values), values, np.nan)


def _is_number(series: pd.Series) -> bool:
    """Say whether a column holds numbers or booleans only; an all-missing column does."""
    if isinstance(series.dtype, pd.CategoricalDtype):
        return False
    if pd.api.types.is_numeric_dtype(series) or pd.api.types.is_bool_dtype(series):
        return True
    if series.dtype != object:
        return False
    kind = pd.api.types.infer_dtype(series, skipna=True)
    return kind in {"integer", "floating", "mixed-integer-float", "boolean", "decimal", "empty"}


def _codes(series: pd.Series, levels: tuple[str, ...]) -> np.ndarray:
    at, distinct = pd.factorize(series)  # -1 where missing
    known = pd.Index(levels, dtype=object).get_indexer(
        pd.Index([_text(value) for value in distinct], dtype=object)
    )
    codes = np.append(known, -1)[at].astype(np.float64)  # the last entry serves at == -1
    codes[codes < 0] = np.nan
    return codes


def _text(value: Any) -> str:
    """Return the level of a value; 3 and 3.0 are one level, for a gap turns integers to floats."""
    if isinstance(value, float | np.floating) and float(value).is_integer():
        return str(int(value))
    return str(value)
