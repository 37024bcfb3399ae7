"""Factors: the few strongest reasons behind each score, one for each theme, in words."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from training.wording import worded

TOP = 4
_LEAST = 0.01  # a contribution below this says nothing
_THEMES = (  # the first that matches; a feature that matches none is a theme of its own
    ("lately", r"days_since_(event|last_event|attention|interest|session_start)|session_\w+"),
    ("lately", r"\w+_count_(1h|1d)"),
    ("orders", r"recency_days|days_since_purchase|purchase_gap\w*|purchase_count_\w+"),
    ("money", r"spend_\w+|return_total"),
    ("loyalty", r"(purchase_day|order|purchase)_count|purchase_days_\w+|customer_age_days"),
    ("interest", r"(interest|item_view|search|recent_item)_count\w*|interest_value_\w+"),
    ("intent", r"(intent|add_to_cart|add_wishlist|checkout|form)_count\w*|intent_value_\w+"),
    ("intent", r"days_since_(intent|add_to_cart)"),
    ("visits", r"(event|attention|active_day)_count\w*|visit_gap\w*|days_since_first_event"),
    ("visits", r"attention_value_\w+"),
    ("feedback", r"feedback_(count|value)\w*|days_since_feedback|return_count"),
    ("ways", r"\w+_share|top_(touchpoint|campaign)\w*"),
    ("tastes", r"top_(category|brand)\w*"),
    ("points", r"\w+_points|funnel_stage|journey_stage"),
    ("mails", r"email_(open|click)_count"),
)  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Strongest:
    """Per row the strongest themes: position of their leading feature, and their contribution."""

    features: np.ndarray  # (n, k) int, positions among the model's features
    contributions: np.ndarray  # (n, k), greatest size first; 0 says nothing


def factor_lists(explainer: Any, frame: pd.DataFrame, top: int = TOP) -> list[list[dict[str, Any]]]:
    """Return up to `top` factors of each row as plain values, strongest first."""
    if explainer is None or not len(frame):
        return [[] for _ in range(len(frame))]
    names = list(explainer.features)
    found = strongest(explainer.contributions(frame), names, top)
    texts = _texts(frame, names, found.features)
    rounded = np.round(found.contributions, 4).tolist()
    return [
        [
            {"feature": names[f], "text": text, "contribution": c}
            for f, text, c in zip(features, said, row, strict=True)
            if abs(c) >= _LEAST
        ]
        for features, said, row in zip(found.features.tolist(), texts, rounded, strict=True)
    ]


def strongest(contributions: np.ndarray, names: Sequence[str], top: int) -> Strongest:
    """Sum contributions (n, features) by theme and return the `top` themes of each row."""
    themes: dict[str, list[int]] = {}
    for at, name in enumerate(names):
        themes.setdefault(theme_of(name), []).append(at)
    sums, leaders = [], []
    for columns in themes.values():
        block = contributions[:, columns]
        total = block.sum(axis=1)
        sums.append(total)
        leaders.append(np.asarray(columns)[(block * np.sign(total)[:, None]).argmax(axis=1)])
    totals, leading = np.stack(sums, axis=1), np.stack(leaders, axis=1)  # (n, themes)
    order = np.argsort(-np.abs(totals), axis=1, kind="stable")[:, :top]
    return Strongest(
        np.take_along_axis(leading, order, axis=1), np.take_along_axis(totals, order, axis=1)
    )


def theme_of(name: str) -> str:
    """Return the theme of a feature: one of the table above, or the feature itself."""
    return next((theme for theme, pattern in _THEMES if re.fullmatch(pattern, name)), name)


def _texts(frame: pd.DataFrame, names: Sequence[str], features: np.ndarray) -> np.ndarray:
    """Return the words for each (row, k); each distinct value is worded once."""
    texts = np.empty(features.shape, dtype=object)
    for at in np.unique(features):
        rows, places = np.nonzero(features == at)
        values = frame[names[at]].iloc[rows]
        if pd.api.types.is_float_dtype(values.dtype):
            values = values.round(2)
        codes, distinct = pd.factorize(values)
        said = [worded(names[at], value) for value in distinct] + [worded(names[at], None)]
        texts[rows, places] = np.array(said, dtype=object)[codes]  # -1 is the last: not there
    return texts
