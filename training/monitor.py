"""Monitoring: do live customers, live scores and what came of them still fit what was learned?"""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any

import numpy as np
import pandas as pd

from domain.errors import NotEnoughData, NotFound
from domain.settings import Settings
from training.bootstrap import Estimate, Sample
from training.champions import ScoreChampion, score_champions
from training.drift import psi, told_apart
from training.matured import Matured, matured_scores
from training.metrics import METRICS
from training.publishing import publish
from training.recalibration import recalibrated
from training.rows import EVERYTHING, build, people_rows
from training.tracking import Tracker
from training.workshop import Progress, Workshop, open_workshop

GOOD, LOOK, WARN = "good", "look", "warn"
CALIBRATION = "calibration"
LEANS_ON = 0.01  # share of the gain from which a feature is looked at
MATTERS = 0.03  # and from which its drift is a warning
PSI_LOOK, PSI_WARN = 0.10, 0.25
APART_LOOK, APART_WARN = 0.75, 0.85  # lower end of the AUC
TOTAL_OFF = (0.8, 1.25)  # observed over expected
ECE_LEAST = 0.03  # below this nobody needs to act
ENOUGH = 200  # customers, below which nothing is said
_CHANCES = 200


@dataclass(frozen=True, slots=True)
class Reading:
    """One thing looked at; `low` to `high` is its 90 % interval where it has one."""

    model: str
    version: str
    looked_at: str
    value: float | None
    low: float | None
    high: float | None
    level: str  # good | look | warn
    says: str

    @property
    def mendable(self) -> bool:
        """Whether recalibration mends it."""
        return self.looked_at == CALIBRATION and self.level == WARN

    def to_row(self) -> dict[str, str]:
        """Return the reading as one row of a table."""
        span = "" if self.low is None else f" [{self.low:.3g}, {self.high:.3g}]"
        return {
            "": self.level,
            "model": f"{self.model} {self.version}",
            "looked at": self.looked_at,
            "value [90 %]": "" if self.value is None else f"{self.value:.3g}{span}",
            "says": self.says,
        }

    def to_plain(self) -> dict[str, Any]:
        """Return the reading as plain JSON values."""
        return asdict(self)


def monitor(
    settings: Settings,
    names: Sequence[str],
    as_of: datetime,
    *,
    at: datetime,
    recalibrate: bool = False,
    progress: Progress | None = None,
) -> list[Reading]:
    """Look at the released scores (none named: all) and those who are known before `as_of`.

    `recalibrate` lets a score whose calibration is a warning learn its size anew.
    """
    found = [
        c for c in score_champions(Tracker.open(settings.home)) if not names or c.name in names
    ]
    missing = sorted(set(names) - {c.name for c in found})
    if missing or not found:
        what = ", ".join(missing) or "any score"
        raise NotFound(f"no released model of {what}; run `nextbest train` first")
    readings: list[Reading] = []
    with open_workshop(settings, at, progress) as shop:
        build(shop, [as_of])
        frame = people_rows(shop, EVERYTHING, as_of)
        for number, champion in enumerate(found):
            shop.say(f"looking at {champion.name}", number / len(found))
            readings += _drifts(shop, champion, frame)
            matured = matured_scores(shop, champion)
            came = list(calibration(champion, matured, settings.seed))
            if recalibrate and matured and any(r.mendable for r in came):
                came = _mended(shop, champion, matured, came)
            readings += came
    return readings


def _mended(
    shop: Workshop, champion: ScoreChampion, matured: Matured, came: list[Reading]
) -> list[Reading]:
    """Recalibrate and publish what passes; what was a warning is then one no more."""
    try:
        trained = recalibrated(shop, champion, matured)
    except NotEnoughData as few:
        return [*came, _reading(champion, "recalibration", None, WARN, few.message)]
    outcome = publish(Tracker.open(shop.settings.home), trained, shop.at)
    if not outcome.released:
        return [*came, _reading(champion, "recalibration", None, WARN, outcome.summary())]
    says = f"{outcome.summary()}; score and release next"
    calmer = [replace(r, level=LOOK) if r.level == WARN else r for r in came]
    return [*calmer, _reading(champion, "recalibration", None, LOOK, says)]


def _drifts(shop: Workshop, champion: ScoreChampion, live: pd.DataFrame) -> Iterator[Reading]:
    """Compare features and scores with those of the newest cut-off that was learned from."""
    if not champion.sheet.learned_at:
        yield _reading(
            champion, "features", None, LOOK, "trained before there was monitoring; train again"
        )
        return
    cutoff = datetime.fromisoformat(champion.sheet.learned_at)
    build(shop, [cutoff])
    past = people_rows(shop, EVERYTHING, cutoff)
    now, then = (frame[~champion.doubtful(frame)] for frame in (live, past))
    if min(len(now), len(then)) < ENOUGH:
        few = f"{len(now)} customers now and {len(then)} then; {ENOUGH} are needed to compare"
        yield _reading(champion, "features", None, LOOK, few)
        return
    yield from drift(champion, then, now, f"{cutoff:%Y-%m-%d}", shop.settings.seed)


def drift(
    champion: ScoreChampion, then: pd.DataFrame, now: pd.DataFrame, when: str, seed: int
) -> Iterator[Reading]:
    """Compare the features that a model leans on, and its scores, then and now."""
    gain = _importance(champion)
    shown = {name: share for name, share in gain.items() if share >= LEANS_ON and name in now}
    moved = {name: psi(then[name], now[name]) for name in shown}
    for name, value in sorted(moved.items(), key=lambda pair: -pair[1]):
        level = _level(value, PSI_LOOK, PSI_WARN if shown[name] >= MATTERS else np.inf)
        if level != GOOD:
            says = f"moved since {when}; it gives {shown[name]:.0%} of what the model knows"
            yield _reading(champion, f"feature {name}", value, level, says)
    calm = sum(value < PSI_LOOK for value in moved.values())
    says = f"{calm} of {len(moved)} features that it leans on stand as on {when}"
    yield _reading(champion, "features", max(moved.values(), default=0.0), GOOD, says)
    scores = [pd.Series(champion.scorer.predict(frame)) for frame in (then, now)]
    value = psi(*scores)
    says = f"mean score {scores[0].mean():.4g} on {when}, {scores[1].mean():.4g} now"
    yield _reading(champion, "scores", value, _level(value, PSI_LOOK, PSI_WARN), says)
    if shown:
        columns = list(shown)
        who = (then["profile_id"].to_numpy(str), now["profile_id"].to_numpy(str))
        apart = told_apart(then[columns], now[columns], who, seed)
        level = _level(apart.auc.low, APART_LOOK, APART_WARN)
        says = f"how well those of {when} and of now are told apart, by {', '.join(apart.by)}"
        yield _reading(champion, "people", apart.auc, level, says)


def calibration(champion: ScoreChampion, matured: Matured | None, seed: int) -> Iterator[Reading]:
    """Say whether what was foretold has come."""
    if matured is None or len(matured.y) < ENOUGH:
        days = champion.sheet.horizon_days
        says = f"no {ENOUGH} scores are {days} days old yet; score now, look again then"
        yield _reading(champion, "what came", None, LOOK, says)
        return
    sample, about = (
        Sample(matured.y, matured.customers, seed),
        f"scored {matured.scored_at:%Y-%m-%d}",
    )
    total = sample.ratio(matured.score)
    least, most = TOTAL_OFF
    off = total.high < least or total.low > most
    unsure = not total.low <= 1 <= total.high
    level = WARN if off else LOOK if unsure else GOOD
    says = f"what came over what was foretold, {len(matured.y):,} customers {about}"
    yield _reading(champion, "total", total, level, says)
    if champion.sheet.unit == "probability":
        ece = sample.estimate(METRICS["ece"], matured.score)
        chance = ece_by_chance(matured.score, seed)
        level = GOOD if ece.value <= chance else LOOK if ece.value < ECE_LEAST else WARN
        says = f"calibration error {about}; up to {chance:.3f} comes by chance"
        if level == WARN:
            says += "; `nextbest monitor --recalibrate` mends it"
        yield _reading(champion, CALIBRATION, ece, level, says)


def ece_by_chance(score: np.ndarray, seed: int) -> float:
    """Return the calibration error that a perfect score (n,) exceeds in one of twenty samples."""
    rng = np.random.default_rng(seed)
    drawn = [METRICS["ece"].of((rng.random(len(score)) < score).astype(float), score)
             for _ in range(_CHANCES)]  # fmt: skip
    return float(np.quantile(drawn, 0.95))


def _importance(champion: ScoreChampion) -> dict[str, float]:
    for source in (champion.scorer, champion.explainer):
        if hasattr(source, "importance"):
            return dict(source.importance())
    return {}


def _level(value: float, look: float, warn: float) -> str:
    return WARN if value >= warn else LOOK if value >= look else GOOD


def _reading(
    champion: ScoreChampion, looked_at: str, value: float | Estimate | None, level: str, says: str
) -> Reading:
    if isinstance(value, Estimate):
        span = (value.value, value.low, value.high)
        return Reading(champion.name, champion.version, looked_at, *span, level, says)
    return Reading(champion.name, champion.version, looked_at, value, None, None, level, says)
