"""Trees that correct a purchase forecast: they learn what it misses, not what it already knows.

    log amount      = log forecast + level of the cut-off + trees(features)
    log-odds silent = logit forecast + level of the cut-off + trees(features)

The forecast knows the length of the time to come, so rows whose outcome has been watched for a part
of the horizon only teach as well as whole ones: the newest months count. The level of a cut-off is
chosen so that the total of its rows is right; what a season does to everybody is kept out of what
is learned of customers. For the time to come the level is told from outside (`settle`), else it is
the mean of those seen.
"""

import json
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from domain.errors import InvalidInput
from models.encoder import numbers, require_columns
from models.fitted import require_fitted
from models.gbm import GBMScorer
from models.manifest import params_of, read_manifest, saving
from models.outlook import Outlook, level_of, levelled, on_link
from models.protocols import Labelled
from models.purchase_forecast import UNITS, PurchaseForecast
from models.purchase_history import HistoryColumns, PurchaseHistory
from models.targets import checked_target, checked_weights, require_both_classes, require_spenders

FORECAST = "forecast"  # optional column of training rows: the forecast as of their cut-off
CUTOFF = "as_of_day"  # optional column of training rows: which cut-off they belong to
EXTRA = ("purchase_wait_days", "purchase_overdue")  # what the trees are told of the process
_OFFSET = "known_beforehand"


class ForecastBoostScorer:
    """Boosted trees on the offset of an MBG/NBD forecast; `gives` is 'spend' or 'silence'.

    Training rows may carry FORECAST and CUTOFF; without them all rows are one cut-off, and the
    process is learned from them. `members` copies with other seeds are averaged before the link.
    `strength` is the share of the trees' correction that counts: 0 is the forecast alone.
    """

    KIND: ClassVar[str] = "forecast_boost"
    members_: list[GBMScorer]
    outlook_: Outlook
    usual_level_: float  # mean of the cut-offs', for an outlook that knows no level
    centres_: tuple[float, float]  # mean of the two parts of the forecast on the scale of the link

    def __init__(
        self,
        gives: str = "spend",
        *,
        days: float = 90.0,
        trees: int = 100,
        learning_rate: float = 0.05,
        leaves: int = 6,
        min_leaf: int = 60,
        regularization: float = 10.0,
        members: int = 2,
        strength: float = 1.0,
        columns: tuple[str, str, str, str] = HistoryColumns().names(),
        num_threads: int = 1,
        seed: int = 0,
    ) -> None:
        self.gives = gives
        self.days = days
        self.trees = trees
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.min_leaf = min_leaf
        self.regularization = regularization
        self.members = members
        self.strength = strength
        self.columns = columns
        self.num_threads = num_threads
        self.seed = seed

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        sample_weight: np.ndarray | None = None,
        validation: Labelled | None = None,
    ) -> Self:
        """Learn from X (n, columns), y (n,); all trees grow, `validation` changes nothing."""
        target, weights = self._checked(X, y), checked_weights(X, sample_weight)
        history = self._history(X)
        forecast = PurchaseForecast.fit(history, weights, may_stop_at_first=True, seed=self.seed)
        self.outlook_ = Outlook(forecast)
        known = self._known(X, forecast, history)
        link, levels = on_link(self.gives, known), []
        for rows in _by_cutoff(X):
            levels.append(level_of(self.gives, known[rows], target[rows]))
            link[rows] += levels[-1]
        self.usual_level_ = float(np.mean(levels))
        often, per_day = self._parts(history)
        self.centres_ = (float(np.mean(often)), float(np.mean(per_day)))
        frame = self._features(X, forecast, history).assign(**{_OFFSET: link})
        self.members_ = [
            self._member(number).fit(frame, target, sample_weight=weights)
            for number in range(self.members)
        ]
        return self

    def settle(self, outlook: Outlook) -> Self:
        """Score from now on by this forecast and level, of the day from which scores look ahead."""
        require_fitted(self, "members_")
        self.outlook_ = outlook
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return the amount or probability per row, (n,) float64."""
        require_fitted(self, "members_")
        require_columns(X, self.features)
        forecast, history = self.outlook_.forecast, self._history(X)
        known = self._forecast(forecast, history)
        frame = self._features(X, forecast, history).assign(**{_OFFSET: 0.0})
        added = sum(self._added(member, frame) for member in self.members_) / self.members
        level = self.usual_level_ if self.outlook_.level is None else self.outlook_.level
        scores = levelled(self.gives, known, self.strength * added + level)
        bought = history.bought
        return np.where(bought, scores, 1.0 if self.gives == "silence" else 0.0)

    def contributions(self, X: pd.DataFrame) -> np.ndarray:
        """Return what each feature adds on the scale of the link, (n, features).

        What the forecast and EXTRA add, beyond the mean, is counted with the recency, and with the
        spend of a day as far as it comes from there.
        """
        require_fitted(self, "members_")
        history = self._history(X)
        frame = self._features(X, self.outlook_.forecast, history)
        trees = sum(member.contributions(frame) for member in self.members_) / self.members
        names, trees = self._frame_names(), self.strength * np.asarray(trees)
        found = trees[:, [names.index(name) for name in self.features]]
        for name in EXTRA:
            found[:, self.features.index(self.columns[1])] += trees[:, names.index(name)]
        columns = (self.columns[1], self.columns[3])
        for column, part, centre in zip(columns, self._parts(history), self.centres_, strict=True):
            found[:, self.features.index(column)] += part - centre
        return found

    def importance(self) -> dict[str, float]:
        """Return each feature's share of the gain of the trees, greatest first."""
        require_fitted(self, "members_")
        parts = [member.importance() for member in self.members_]
        mean = {name: sum(p[name] for p in parts) / len(parts) for name in parts[0]}
        return dict(sorted(mean.items(), key=lambda pair: -pair[1]))

    @property
    def features(self) -> tuple[str, ...]:
        """The columns of a frame that it reads."""
        require_fitted(self, "members_")
        return tuple(name for name in self._frame_names() if name not in EXTRA)

    def save(self, folder: Path) -> None:
        """Write a folder per member and `outlook.json` with a manifest."""
        require_fitted(self, "members_")
        with saving(folder, self.KIND, params_of(self), self.features) as draft:
            for number, member in enumerate(self.members_):
                member.save(draft / f"member{number}")
            plain = self.outlook_.to_plain()
            plain |= {"centres": self.centres_, "usual_level": self.usual_level_}
            (draft / "outlook.json").write_text(json.dumps(plain))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model with its members."""
        scorer = cls(**read_manifest(folder, cls.KIND).params)
        numbered = (Path(folder) / f"member{number}" for number in range(scorer.members))
        scorer.members_ = [GBMScorer.load(part) for part in numbered]
        plain = json.loads((Path(folder) / "outlook.json").read_text())
        scorer.outlook_ = Outlook.from_plain(plain)
        scorer.usual_level_ = float(plain["usual_level"])
        scorer.centres_ = (float(plain["centres"][0]), float(plain["centres"][1]))
        return scorer

    def _checked(self, X: pd.DataFrame, y: np.ndarray) -> np.ndarray:
        if self.gives not in ("spend", "silence"):
            raise InvalidInput(f"gives {self.gives!r} is unknown; use 'spend' or 'silence'")
        target = checked_target(X, y, UNITS[self.gives])
        if self.gives == "silence":
            require_both_classes(target)
        else:
            require_spenders(target, 1)
        return target

    def _history(self, X: pd.DataFrame) -> PurchaseHistory:
        return PurchaseHistory.of(X, HistoryColumns(*self.columns))

    def _forecast(self, forecast: PurchaseForecast, history: PurchaseHistory) -> np.ndarray:
        ask = forecast.silence if self.gives == "silence" else forecast.amount
        return ask(history, self.days)

    def _known(
        self, X: pd.DataFrame, forecast: PurchaseForecast, history: PurchaseHistory
    ) -> np.ndarray:
        """Return what was foretold of each training row as of its own cut-off."""
        if FORECAST in X:
            return numbers(X[FORECAST])
        return self._forecast(forecast, history)

    def _parts(self, history: PurchaseHistory) -> tuple[np.ndarray, np.ndarray]:
        """Return what the forecast says of how often, and of how much, on the scale of the link."""
        forecast = self.outlook_.forecast
        whole = on_link(self.gives, self._forecast(forecast, history))
        if self.gives == "silence":
            return whole, np.zeros(len(whole))
        per_day = on_link(self.gives, forecast.per_day(history))
        return whole - per_day, per_day

    def _features(
        self, X: pd.DataFrame, forecast: PurchaseForecast, history: PurchaseHistory
    ) -> pd.DataFrame:
        """Return the features with EXTRA: the wait to expect, and the silence as a share of it."""
        wait = forecast.wait(history)
        silence = history.past.T - history.past.t_x
        plain = X.drop(columns=[FORECAST, CUTOFF], errors="ignore")
        return plain.assign(**dict(zip(EXTRA, (wait, silence / wait), strict=True)))

    def _member(self, number: int) -> GBMScorer:
        return GBMScorer(
            objective="binary" if self.gives == "silence" else "tweedie",
            trees=self.trees,
            learning_rate=self.learning_rate,
            leaves=self.leaves,
            min_leaf=self.min_leaf,
            feature_fraction=0.5,
            row_fraction=0.7,
            regularization=self.regularization,
            offset=_OFFSET,
            num_threads=self.num_threads,
            seed=self.seed + number,
        )

    def _added(self, member: GBMScorer, frame: pd.DataFrame) -> np.ndarray:
        """Return what the trees of one member add on the scale of the link."""
        return on_link(self.gives, member.predict(frame))

    def _frame_names(self) -> tuple[str, ...]:
        return self.members_[0].features


def _by_cutoff(X: pd.DataFrame) -> list[np.ndarray]:
    """Return the positions of the rows of each cut-off."""
    if CUTOFF not in X:
        return [np.arange(len(X))]
    _, at = np.unique(numbers(X[CUTOFF]), return_inverse=True)
    return [np.flatnonzero(at == number) for number in range(int(at.max()) + 1)]
