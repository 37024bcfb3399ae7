"""Training rows: features as of each cut-off, joined in time by Feast, and what came of it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

import numpy as np
import pandas as pd

from domain.errors import NotEnoughData
from domain.features import FEATURES
from feature_repo.backends import open_features
from feature_repo.build import build_features
from models.outlook import Outlook
from training.label_windows import label_windows, people
from training.recipe import ScoreRecipe
from training.workshop import Workshop

MIN_CUSTOMERS = 50  # below this there is not even a base rate worth telling

NAMES = [feature.name for feature in FEATURES]
EVERYTHING = "clv_v1"  # the feature service with all views


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """What may be learned by a given time: also from windows only watched in part, and the outlook.

    X (n, features) also has what was forecast for the days each row was watched; y (n,).
    """

    X: pd.DataFrame
    y: np.ndarray
    outlook: Outlook
    days: int  # the horizon that scores look ahead


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """One row per customer and cut-off: X (n, features), y (n,), customers (n,), cutoffs (n,).

    `stages`: for recipes that forecast, what may be learned by the start of each held-out part.
    """

    X: pd.DataFrame
    y: np.ndarray
    customers: np.ndarray
    cutoffs: np.ndarray  # datetime64
    stages: Mapping[datetime, Stage] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.y)

    def at(self, cutoffs: Iterable[datetime]) -> "Rows":
        """Return the rows of these cut-offs."""
        wanted = pd.DatetimeIndex(list(cutoffs)).tz_convert(None).to_numpy()
        kept = np.isin(self.cutoffs, wanted.astype(self.cutoffs.dtype))
        return Rows(
            self.X[kept].reset_index(drop=True),
            self.y[kept],
            self.customers[kept],
            self.cutoffs[kept],
        )

    def scaled(self, factor: float) -> "Rows":
        """Return the same rows with every outcome times `factor`."""
        return replace(self, y=self.y * factor)


def labelled_rows(
    shop: Workshop,
    recipe: ScoreRecipe,
    cutoffs: tuple[datetime, ...],
    horizon_days: int,
    watched_days: int | None = None,
) -> Rows:
    """Return the rows that `recipe` learns from, by cut-off and profile.

    Outcomes are those of `watched_days`, None for the whole horizon.
    """
    known = label_windows(shop.db, cutoffs, watched_days or horizon_days)
    require_customers(known["profile_id"].nunique(), "known before the latest cut-off")
    build(shop, cutoffs)
    features = open_features(shop.settings)
    parts = []
    for _, part in known.groupby("event_timestamp", sort=True):  # one cut-off in memory at a time
        frame = features.training_frame(part.reset_index(drop=True), recipe.feature_service)
        parts.append(frame[recipe.population.learned(frame, horizon_days)])
    frame = pd.concat(parts, ignore_index=True)
    require_customers(frame["profile_id"].nunique(), recipe.population.meaning)
    return Rows(
        X=frame[[name for name in NAMES if name in frame.columns]],
        y=recipe.label.of(frame),
        customers=frame["profile_id"].to_numpy(dtype=np.str_),
        cutoffs=frame["event_timestamp"].dt.tz_convert(None).to_numpy(),
    )


def require_customers(there: int, meaning: str) -> None:
    """Raise NotEnoughData unless there are MIN_CUSTOMERS to learn from."""
    if there < MIN_CUSTOMERS:
        raise NotEnoughData(
            f"{there} customers to learn from ({meaning}), at least {MIN_CUSTOMERS} are needed; "
            "import more history with `nextbest import`, or wait for more events"
        )


def people_rows(shop: Workshop, feature_service: str, as_of: datetime) -> pd.DataFrame:
    """Return profile_id and the features of everybody known before `as_of`, by profile."""
    frame = open_features(shop.settings).training_frame(people(shop.db, as_of), feature_service)
    return frame[["profile_id", *(name for name in NAMES if name in frame.columns)]]


def build(shop: Workshop, cutoffs: Iterable[datetime]) -> None:
    """Build the features of each cut-off into the offline store, once per workshop."""
    settings = shop.settings
    missing = sorted(set(cutoffs) - shop.built)
    build_features(
        settings.home,
        missing,
        threads=settings.threads,
        memory_limit=settings.memory_limit,
        created_at=shop.at,
        progress=lambda at: shop.say(
            f"features as of {at:%Y-%m-%d}", 0.6 * (missing.index(at) + 1) / len(missing)
        ),
    )
    shop.built.update(missing)
