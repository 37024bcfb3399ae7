"""A plain table made ready to learn from: what each column is, what is left out, and why."""

import difflib
import re
from dataclasses import dataclass, field
from datetime import datetime

import numpy as np
import pandas as pd

from domain.errors import InvalidInput
from training.leaks import is_missing

YES = frozenset(("1", "1.0", "true", "yes", "y", "t", "converted", "won"))
ID_SHARE = 0.95  # share of different values from which text is an id
ID_WORDS = frozenset(("id", "ids", "uuid", "guid", "key", "number", "no", "nr", "index", "row"))
MANY_LEVELS = 200  # the most frequent ones are kept, the others count as one
MIN_DATES = 0.95  # share of texts that must read as dates
_DIGITS = re.compile(r"\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}")
OTHER = "(other)"


@dataclass(frozen=True, slots=True)
class Prepared:
    """One row per record: X (n, columns), y (n,) in {0, 1}, who (n,), when (n,) or None.

    `said` tells in sentences what was done to the table.
    """

    X: pd.DataFrame
    y: np.ndarray
    who: np.ndarray
    when: np.ndarray | None
    said: list[str] = field(default_factory=list)


def prepare(frame: pd.DataFrame, target: str, time: str, now: datetime) -> Prepared:
    """Return the rows to learn from; InvalidInput says what is wrong with the target or time."""
    said: list[str] = []
    _require(frame, target, "target")
    if time:
        _require(frame, time, "time")
    rows = _without_repeats(frame.rename(columns=str), said)
    rows = rows[~is_missing(rows[target])]
    if len(rows) < len(frame):
        said.append(f"{len(frame) - len(rows):,} rows without outcome or repeated left out")
    y = _outcome(rows[target], said)
    rows, y, when = _until_now(rows, y, time, now, said)
    rows = rows.drop(columns=[target, *([time] if time else [])])
    who, rows = _people(rows, said)
    return Prepared(_columns(rows, when, said), y, who, when, said)


def _require(frame: pd.DataFrame, name: str, what: str) -> None:
    if name not in frame.columns:
        near = difflib.get_close_matches(name, [str(c) for c in frame.columns], n=1)
        hint = f"did you mean {near[0]!r}?" if near else f"columns: {', '.join(map(str, frame))}"
        raise InvalidInput(f"--{what} {name!r} is no column of the table; {hint}", field=what)


def _without_repeats(frame: pd.DataFrame, said: list[str]) -> pd.DataFrame:
    """Drop rows that repeat another one in every column, an id among them."""
    if not any(_is_id(frame[c]) for c in frame):
        return frame  # without an id, equal rows may well be different people
    kept = frame.drop_duplicates()
    if len(kept) < len(frame):
        said.append(f"{len(frame) - len(kept):,} rows that repeat another one count once")
    return kept


def _outcome(column: pd.Series, said: list[str]) -> np.ndarray:
    """Return 0/1; the positive is a known yes, else the greater or the rarer of two values."""
    texts = column.astype(str).str.strip().str.lower()
    values = sorted(texts.unique())
    if len(values) != 2:
        found = f"only the value {values[0]!r}" if len(values) == 1 else f"{len(values)} values"
        if not values:
            found = "no values"
        raise InvalidInput(
            f"target {column.name!r} has {found}; it must have two, such as yes and no. "
            "Choose another column, or make one that says whether it happened",
            field="target",
        )
    yes = [v for v in values if v in YES]
    rarer = str(texts.value_counts().idxmin())
    positive = yes[0] if len(yes) == 1 else rarer
    said.append(f"{column.name!r} counts as happened where it is {positive!r}")
    return (texts == positive).to_numpy(dtype=np.float64)


def _until_now(
    rows: pd.DataFrame, y: np.ndarray, time: str, now: datetime, said: list[str]
) -> tuple[pd.DataFrame, np.ndarray, np.ndarray | None]:
    """Return the rows in order of time, those of the future or without time left out."""
    if not time:
        return rows.reset_index(drop=True), y, None
    order = _as_order(rows[time])
    if order is None:
        raise InvalidInput(
            f"--time {time!r} is neither dates nor numbers; give a column that grows with time",
            field="time",
        )
    is_date = not pd.api.types.is_numeric_dtype(rows[time])
    good = ~np.isnan(order) & ((order <= now.timestamp()) if is_date else True)
    if not good.all():
        said.append(f"{int((~good).sum()):,} rows with a time in the future or none left out")
    at = np.flatnonzero(good)[np.argsort(order[good], kind="stable")]
    return rows.iloc[at].reset_index(drop=True), y[at], order[at]


def _as_order(column: pd.Series) -> np.ndarray | None:
    if pd.api.types.is_numeric_dtype(column):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return _seconds(column)


def _seconds(column: pd.Series) -> np.ndarray | None:
    """Return dates as seconds since 1970, (n,) float64 with NaN; None where they are no dates."""
    if not pd.api.types.is_datetime64_any_dtype(column):
        texts = column[~is_missing(column)].astype(str)
        if texts.empty or texts.head(50).str.contains(_DIGITS).mean() < MIN_DATES:
            return None
    dates = pd.to_datetime(column, errors="coerce", utc=True, format="mixed")
    if dates.notna().sum() < MIN_DATES * max((~is_missing(column)).sum(), 1):
        return None
    return np.where(dates.isna(), np.nan, dates.astype("int64") / 10**9)


def _people(rows: pd.DataFrame, said: list[str]) -> tuple[np.ndarray, pd.DataFrame]:
    """Return who each row is about, and the rows without ids; rows of one person stay together."""
    ids = [c for c in rows if _is_id(rows[c])]
    for name in ids:
        said.append(f"{name!r} left out: an id, different in nearly every row")
    repeated = next((c for c in rows if c not in ids and _names_people(rows[c])), None)
    if repeated is None:
        return np.arange(len(rows)), rows.drop(columns=ids)
    said.append(f"{repeated!r} left out: it names people; rows of one person are kept together")
    return np.asarray(pd.factorize(rows[repeated])[0]), rows.drop(columns=[*ids, repeated])


def _words(column: pd.Series) -> set[str]:
    text = re.sub(r"([a-z])([A-Z])", r"\1 \2", str(column.name)).lower()
    return set(re.findall(r"[a-z]+", text))


def _is_id(column: pd.Series) -> bool:
    known = column.dropna()
    if len(known) < 20 or known.nunique() < ID_SHARE * len(known):
        return False
    if pd.api.types.is_float_dtype(column) or pd.api.types.is_datetime64_any_dtype(column):
        return False
    if pd.api.types.is_numeric_dtype(column):
        return bool(_words(column) & ID_WORDS)
    return _seconds(column) is None


def _names_people(column: pd.Series) -> bool:
    words = _words(column)
    return bool(words & {"id", "email", "phone"}) and column.nunique() > len(column) / 3


def _columns(rows: pd.DataFrame, when: np.ndarray | None, said: list[str]) -> pd.DataFrame:
    """Return the columns as numbers and levels."""
    made: dict[str, pd.Series] = {}
    for name in rows:
        column = rows[name]
        if column.nunique(dropna=False) < 2:
            said.append(f"{name!r} left out: it has one value, or none")
        elif (seconds := None if _is_plain(column) else _seconds(column)) is not None:
            made |= _calendar(str(name), seconds, when)
            said.append(f"{name!r} is read as dates: age in days, month and weekday")
        elif _is_plain(column):
            made[str(name)] = column.replace([np.inf, -np.inf], np.nan)
        else:
            made[str(name)] = _levels(column, said)
    if not made:
        raise InvalidInput("no column is left to learn from; give columns known before the outcome")
    return pd.DataFrame(made, index=rows.index)


def _is_plain(column: pd.Series) -> bool:
    return pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)


def _calendar(name: str, seconds: np.ndarray, when: np.ndarray | None) -> dict[str, pd.Series]:
    newest = np.nanmax(seconds) if when is None or when.max() < 1e8 else when
    dates = pd.to_datetime(pd.Series(seconds), unit="s", utc=True)
    return {
        f"{name} (days before)": pd.Series((newest - seconds) / 86_400.0),
        f"{name} (month)": dates.dt.month.astype(float),
        f"{name} (weekday)": dates.dt.weekday.astype(float),
    }


def _levels(column: pd.Series, said: list[str]) -> pd.Series:
    texts = column.astype(object).where(column.notna(), None)
    counts = texts.value_counts()
    if len(counts) <= MANY_LEVELS:
        return texts
    said.append(
        f"{column.name!r} has {len(counts):,} levels: the {MANY_LEVELS - 1} most frequent are kept"
    )
    kept = set(counts.index[: MANY_LEVELS - 1])
    return texts.map(lambda level: level if level is None or level in kept else OTHER)
