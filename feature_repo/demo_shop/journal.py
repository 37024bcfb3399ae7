"""The journal gathers what happened as columns, and turns it into events at the very end."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from domain.events import Event, Line, from_micros, to_micros

CURRENCY = "EUR"
DAY_MILLIS = 86_400_000
COLUMNS: dict[str, Any] = {  # the columns of rows and what stands there if nothing is said
    "kind": "",
    "at": 0.0,  # days since start
    "person": -1,  # int
    "visit": -1,  # row of the frame of visits; -1 outside any visit
    "item": -1,  # one piece of this item, unless `lines` says more
    "order": "",
    "value": np.nan,  # EUR
    "channel": "",  # else the channel of the visit
    "campaign": "",  # else the campaign of the visit
    "decision": "",
    "lines": None,  # tuple of Line
    "properties": None,
    "traits": None,
    "consent": None,
}
NOTHING: dict[str, Any] = {}


@dataclass(frozen=True)
class Directory:
    """What a row needs to know about persons and visits to become an event."""

    start: datetime
    prefix: str  # of message ids
    lines: tuple[Line, ...]  # one piece of each item
    customer_ids: tuple[str, ...]
    device_ids: np.ndarray  # (persons, 2) text
    device_kinds: np.ndarray  # (persons, 2) text
    linked_day: np.ndarray  # (persons, 2) days since start
    visits: pd.DataFrame


def rows(kind: str | np.ndarray, at: np.ndarray, person: np.ndarray, **given: Any) -> pd.DataFrame:
    """Return rows with every column of COLUMNS; what is not given gets its default."""
    columns = {**COLUMNS, "kind": kind, "at": at, "person": person, **given}
    unknown = set(columns) - set(COLUMNS)
    if unknown:
        raise TypeError(f"rows of the journal have no column {sorted(unknown)[0]!r}")
    return pd.DataFrame(columns, index=range(len(at)))


def visit_rows(
    kind: str | np.ndarray, visits: pd.DataFrame, visit: np.ndarray, step: np.ndarray, **given: Any
) -> pd.DataFrame:
    """Return rows within visits; `step` (0 to 1) says how far along the visit each one is."""
    at = visits["at"].to_numpy()[visit] + visits["minutes"].to_numpy()[visit] * step / 1440
    return rows(kind, at, visits["person"].to_numpy()[visit], visit=visit, **given)


def write_events(parts: list[pd.DataFrame], directory: Directory, end: datetime) -> list[Event]:
    """Turn all rows before `end` into events, ordered by time; ids follow that order."""
    table = pd.concat([part for part in parts if len(part)], ignore_index=True)
    millis = np.rint(table["at"].to_numpy() * DAY_MILLIS).astype("int64")
    micros = millis * 1000 + to_micros(directory.start)
    table = table.assign(micros=micros)[micros < to_micros(end)]
    table = table.sort_values("micros", kind="stable", ignore_index=True)
    return list(_events(_with_ids(table, directory), directory))


def _with_ids(table: pd.DataFrame, directory: Directory) -> pd.DataFrame:
    """Add customer, device and channel of each row: a device is anonymous until it is linked."""
    visit, person = table["visit"].to_numpy(), table["person"].to_numpy()
    inside = visit >= 0
    device = directory.visits["device"].to_numpy()[visit]
    known = np.where(inside, table["at"].to_numpy() >= directory.linked_day[person, device], True)
    ids = np.array([*directory.customer_ids, None], dtype=object)
    customer = ids[np.where(known, np.minimum(person, len(ids) - 1), len(ids) - 1)]
    came = {name: directory.visits[name].to_numpy()[visit] for name in ("channel", "campaign")}
    return table.assign(
        customer=customer,
        anonymous=_if_inside(inside, directory.device_ids[person, device]),
        device=_if_inside(inside, directory.device_kinds[person, device]),
        channel=np.where(inside & (table["channel"] == ""), came["channel"], table["channel"]),
        campaign=np.where(inside & (table["campaign"] == ""), came["campaign"], table["campaign"]),
    )


def _if_inside(inside: np.ndarray, values: np.ndarray) -> np.ndarray:
    found = values.astype(object)
    found[~inside] = None
    return found


def _events(table: pd.DataFrame, directory: Directory) -> Iterator[Event]:
    columns = (
        "kind", "micros", "customer", "anonymous", "item", "lines", "value", "order", "channel",
        "device", "campaign", "decision", "properties", "traits", "consent",
    )  # fmt: skip
    lists = [table[name].tolist() for name in columns]
    for number, row in enumerate(zip(*lists, strict=True)):
        kind, micros, customer, anonymous, item, lines, value, order, channel, *rest = row
        device, campaign, decision, properties, traits, consent = rest
        at = from_micros(micros)
        yield Event(
            message_id=f"{directory.prefix}-{number:07d}",
            kind=kind,
            at=at,
            received_at=at,
            customer_id=customer,
            anonymous_id=anonymous,
            lines=lines or ((directory.lines[item],) if item >= 0 else ()),
            value=value if value == value else None,  # NaN is unequal to itself
            currency=CURRENCY if value == value else None,
            order_id=order or None,
            channel=channel or None,
            device=device,
            campaign=campaign or None,
            decision_id=decision or None,
            properties=properties or NOTHING,
            traits=traits or NOTHING,
            consent=consent or NOTHING,
        )
