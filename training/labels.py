"""A label says what is to be foretold, read off what a customer did within the horizon."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True, slots=True)
class Label:
    """What is learned: `of` turns outcome rows (`orders`, `spend`) into the target (n,)."""

    unit: str  # probability | amount
    meaning: str
    of: Callable[[pd.DataFrame], np.ndarray]


def buys() -> Label:
    """Return the label 'at least one purchase within the horizon'."""
    return Label(
        "probability",
        "places an order within the horizon",
        lambda outcomes: (outcomes["orders"].to_numpy() > 0).astype(np.float64),
    )


def stays_silent() -> Label:
    """Return the label 'no purchase within the horizon'."""
    return Label(
        "probability",
        "places no order within the horizon",
        lambda outcomes: (outcomes["orders"].to_numpy() == 0).astype(np.float64),
    )


def spends() -> Label:
    """Return the label 'money spent within the horizon', before returns."""
    return Label(
        "amount",
        "money spent within the horizon, before returns",
        lambda outcomes: outcomes["spend"].to_numpy(dtype=np.float64),
    )
