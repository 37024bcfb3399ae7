"""Any file of orders as purchases: which column is the customer, the date, the money?"""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from domain.errors import InvalidInput
from training.purchases import Purchases

READERS = {".parquet": pd.read_parquet, ".csv": pd.read_csv, ".gz": pd.read_csv}
CUSTOMER = (r"(customer|client|user|member|buyer|visitor)[ _]?(id|no|number|key|code)?", r"id")
DATE = (
    r"(order|invoice|purchase|transaction|event|sale)s?[ _]?(date|time|timestamp|day|at)",
    r"date|timestamp|datetime|time|day|ts|created[ _]?at",
    r".*(date|time|timestamp).*",
)
AMOUNT = (
    r"(total[ _]?)?(amount|revenue|sales|spend|spent|value|total|gmv|net|gross|payment)"
    r"([ _](eur|usd|gbp|value|amount|total))?",
    r"(dollar|order|invoice|purchase|transaction|monetary)[ _]?(value|amount|total)",
    r".*(amount|revenue|spend|value|total).*",
    r"(unit[ _]?)?price",
)
UNIT_PRICE = r"(unit[ _]?)?price"
QUANTITY = (r"quantity|qty|units|pieces",)
ORDER = (r"(order|invoice|transaction|receipt|basket)[ _]?(id|no|number)?",)


@dataclass(frozen=True, slots=True)
class Columns:
    """Which column is what; `quantity` and `order` may be missing ('')."""

    customer: str
    date: str
    amount: str
    quantity: str = ""
    order: str = ""

    def said(self) -> str:
        money = f"{self.quantity} x {self.amount}" if self.quantity else self.amount
        return f"customer {self.customer!r}, date {self.date!r}, amount {money!r}"


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """The purchases of a file, the orders of each day, and what was understood and left out."""

    purchases: Purchases
    orders: np.ndarray  # per row of purchases
    said: str


def read_orders(path: Path, customer: str = "", date: str = "", amount: str = "") -> Orders:
    """Return the purchases of a file, or of all files of a folder that have the same columns."""
    frame = read_frame(path)
    columns = find_columns(frame, customer, date, amount)
    at = as_dates(frame[columns.date], columns.date)
    money = pd.to_numeric(frame[columns.amount], errors="coerce")
    if columns.quantity:
        money = money * pd.to_numeric(frame[columns.quantity], errors="coerce")
    kept = frame[columns.customer].notna() & at.notna() & (money > 0)
    if not kept.any():
        raise InvalidInput(f"{path}: no row has a customer, a date and an amount above 0")
    rows = pd.DataFrame(
        {
            "customer": as_text(frame.loc[kept, columns.customer]),
            "day": (at[kept].dt.floor("D") - pd.Timestamp(0)).dt.days,
            "spend": money[kept],
            "order": frame.loc[kept, columns.order] if columns.order else np.arange(kept.sum()),
        }
    )
    daily = rows.groupby(["customer", "day"], as_index=False).agg(
        spend=("spend", "sum"), orders=("order", "nunique")
    )
    purchases = Purchases(
        daily["customer"].to_numpy(np.str_), daily["day"].to_numpy(float), daily["spend"].to_numpy()
    )
    first, last = at[kept].min(), at[kept].max()
    said = (
        f"{columns.said()}; {len(frame)} rows, {int((~kept).sum())} without customer, date or an "
        f"amount above 0 left out; {daily['customer'].nunique()} customers, {len(daily)} purchase "
        f"days, {first:%Y-%m-%d} to {last:%Y-%m-%d}"
    )
    return Orders(purchases, daily["orders"].to_numpy(float), said)


def read_frame(path: Path) -> pd.DataFrame:
    """Return the rows of a file, or of a folder: files alike, a later one from where one ended."""
    if path.is_file():
        return _read(path)
    files = [p for p in sorted(path.glob("*")) if p.suffix in READERS]
    if not files:
        raise InvalidInput(
            f"{path}: no .parquet or .csv file here; give a file or a folder of them"
        )
    alike: dict[tuple[str, ...], list[pd.DataFrame]] = {}
    for file in files:
        found = _read(file)
        alike.setdefault(tuple(found.columns), []).append(found)
    frames = max(alike.values(), key=lambda group: sum(map(len, group)))
    name = find_columns(frames[0]).date
    dated = [(as_dates(f[name], name), f) for f in frames]
    joined, until = [], pd.Timestamp.min
    for at, frame in sorted(dated, key=lambda pair: pair[0].min()):
        joined.append(frame[at > until])
        until = max(until, at.max())
    return pd.concat(joined, ignore_index=True)


def find_columns(
    frame: pd.DataFrame, customer: str = "", date: str = "", amount: str = ""
) -> Columns:
    """Return which column is what: as named, else the first whose name says so."""
    found = {
        "customer": customer or _named(frame, CUSTOMER),
        "date": date or _named(frame, DATE),
        "amount": amount or _named(frame, AMOUNT),
    }
    for what, name in found.items():
        if name not in frame:
            raise InvalidInput(
                f"{what} column: {name!r} is not there; name it with --{what}, one of "
                f"{', '.join(map(str, frame.columns))}"
            )
    priced = re.fullmatch(UNIT_PRICE, _plain(found["amount"]))
    quantity = _named(frame, QUANTITY) if priced else ""
    return Columns(**found, quantity=quantity, order=_named(frame, ORDER))


def as_text(ids: pd.Series) -> pd.Series:
    """Return ids as text; 17.0, a number in a column with gaps, is 17."""
    whole = pd.api.types.is_float_dtype(ids) and (ids % 1 == 0).all()
    return (ids.astype("int64") if whole else ids).astype(str)


def as_dates(values: pd.Series, name: str) -> pd.Series:
    """Return dates without a zone; numbers are YYYYMMDD or seconds since 1970."""
    if pd.api.types.is_datetime64_any_dtype(values):
        at = values
    elif pd.api.types.is_numeric_dtype(values):
        days = values.dropna().between(19_000_101, 21_001_231).all()
        at = (
            pd.to_datetime(values.astype("Int64").astype(str), format="%Y%m%d", errors="coerce")
            if days
            else pd.to_datetime(values, unit="s", errors="coerce")
        )
    else:
        at = pd.to_datetime(values, errors="coerce", format="mixed")
        swapped = pd.to_datetime(values, errors="coerce", format="mixed", dayfirst=True)
        at = swapped if swapped.notna().sum() > at.notna().sum() else at
    if at.isna().mean() > 0.5:
        raise InvalidInput(f"date column {name!r}: most values are no dates; write YYYY-MM-DD")
    return at.dt.tz_convert(None) if at.dt.tz is not None else at


def _read(path: Path) -> pd.DataFrame:
    if path.suffix not in READERS:
        raise InvalidInput(f"{path}: give a .parquet or .csv file, not {path.suffix!r}")
    return READERS[path.suffix](path)


def _named(frame: pd.DataFrame, patterns: tuple[str, ...]) -> str:
    for pattern in patterns:
        for name in frame.columns:
            if re.fullmatch(pattern, _plain(str(name))):
                return str(name)
    return ""


def _plain(name: str) -> str:
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", name.strip())
    return re.sub(r"[ _]+", "_", spaced).lower()
