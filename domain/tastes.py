"""What a customer turns to most: categories, brands, touchpoints, campaigns, channels, devices."""

from collections import Counter
from collections.abc import Iterable
from typing import Any

from domain.behaviour import State
from domain.catalogue import builtin_catalogue
from domain.events import CHANNELS

TOP = 3  # how many of each are told: top_brand, top_brand_2, top_brand_3
TOPS = ("category", "brand", "touchpoint", "campaign")
DEVICE_SHARES = {  # "other" alone is a channel
    "desktop": "desktop_share",
    "mobile": "mobile_share",
    "tablet": "tablet_share",
    "other": "other_device_share",
}


def top_names(stem: str) -> tuple[str, ...]:
    """Return the features that tell the top of something, first one first."""
    return tuple(f"top_{stem}" if n == 1 else f"top_{stem}_{n}" for n in range(1, TOP + 1))


def tastes(state: State) -> dict[str, Any]:
    """Return the items touched lately, and the top of everything, most first.

    Categories and brands are weighed by the points of the latest 50 item touches, campaigns by the
    latest 64 events. A touchpoint is a channel, weighed by all events.
    """
    weighed = {
        "category": _sums((t.category, _points_of(t.kind)) for t in state.touches),
        "brand": _sums((t.brand, _points_of(t.kind)) for t in state.touches),
        "touchpoint": state.channels,
        "campaign": _sums((m.campaign, 1) for m in state.moments),
    }
    row: dict[str, Any] = {"recent_item_count": float(len({t.item_id for t in state.touches}))}
    for stem in TOPS:
        names, ranked = top_names(stem), _ranked(weighed[stem])
        row |= dict(zip(names, [*ranked, *(None,) * TOP], strict=False))
    return row


def shares(state: State) -> dict[str, Any]:
    """Return the share of each channel and of each device among the events that name one."""
    of_channel, of_device = sum(state.channels.values()), sum(state.devices.values())
    row: dict[str, Any] = {
        f"{name}_share": state.channels.get(name, 0) / of_channel if of_channel else None
        for name in CHANNELS
    }
    for device, feature in DEVICE_SHARES.items():
        row[feature] = state.devices.get(device, 0) / of_device if of_device else None
    return row


def _sums(weighted: Iterable[tuple[str | None, int]]) -> dict[str, int]:
    totals: Counter[str] = Counter()
    for name, weight in weighted:
        if name is not None:
            totals[name] += weight
    return totals


def _ranked(totals: dict[str, int]) -> list[str]:
    """Return the names with the largest totals; of equals the first in code point order."""
    return sorted(totals, key=lambda name: (-totals[name], name))[:TOP]


def _points_of(kind: str) -> int:
    known = builtin_catalogue().kinds.get(kind)
    return max(known.score, 0) if known else 0
