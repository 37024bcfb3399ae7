"""A champion takes the test of its challenger: as it was before its own test, on the same shop."""

from datetime import datetime
from typing import Any

from domain.errors import Conflict
from models.manifest import load_model
from training.data_window import shared, sketch
from training.tracking import Champion
from training.workshop import Workshop

SAME_SHOP = 0.8  # share of events of the champion's days that must still be there


def tested_model(shop: Workshop, champion: Champion) -> Any:
    """Return the champion as it was tested, or raise Conflict where it is of other data."""
    marks, tags = champion.tags.get("data.sketch", "").split(), champion.tags
    if not marks:
        raise Conflict(
            f"version {champion.version} does not say what it learned from; train it again"
        )
    days = [datetime.fromisoformat(tags[f"data.{end}_at"]) for end in ("first", "last")]
    same = shared(marks, sketch(shop.db, days[0], days[1]))
    if same < SAME_SHOP:
        raise Conflict(
            f"it was tested on other data than version {champion.version}: of the events of "
            f"{days[0]:%Y-%m-%d} to {days[1]:%Y-%m-%d} only {same:.0%} are the same; give each "
            "shop a home of its own (NEXTBEST_HOME), or, if the data were replaced on purpose, "
            "`nextbest promote` with --other-data"
        )
    return load_model(champion.tested)
