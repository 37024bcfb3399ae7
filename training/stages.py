"""Stages: what a purchase forecast and its trees may learn by the start of each held-out part."""

from dataclasses import replace
from datetime import datetime, timedelta

import numpy as np

from domain.behaviour import DAY_MICROS
from domain.errors import NotEnoughData
from domain.events import to_micros
from models.purchase_forecast import PurchaseForecast
from training.exposure import gather, with_forecast
from training.purchases import load_purchases
from training.recipe import ScoreRecipe
from training.rows import Rows, Stage, labelled_rows
from training.score_plan import ScorePlan
from training.season import forecast_at, outlook
from training.splits import MIN_HISTORY_DAYS, Split
from training.workshop import Workshop

PARTLY = 3  # beside whole windows, those watched for one and two thirds of the horizon


def with_stages(shop: Workshop, recipe: ScoreRecipe, plan: ScorePlan, rows: Rows) -> Rows:
    """Return the rows with a stage for each held-out part and one for the release."""
    if not recipe.forecasts:
        return rows
    split = plan.split
    until = [at for at in (split.calibrate, split.test, shop.window.end) if at is not None]
    stages: dict[datetime, Stage] = {}
    forecasts: dict[datetime, PurchaseForecast] = {}
    known = (
        {} if plan.stretched else {(at, split.horizon_days): rows.at([at]) for at in split.cutoffs}
    )
    for at in until:
        try:
            stages[at] = _stage(shop, recipe, plan, at, forecasts, known)
        except NotEnoughData as few:
            shop.say(f"{plan.score}: no forecast as of {at:%Y-%m-%d}, {few}", 0.6)
    return replace(rows, stages=stages)


def _stage(
    shop: Workshop,
    recipe: ScoreRecipe,
    plan: ScorePlan,
    until: datetime,
    forecasts: dict[datetime, PurchaseForecast],  # of each cut-off, made once for all stages
    known: dict[tuple[datetime, int], Rows],  # of each cut-off and days watched, likewise
) -> Stage:
    gives, seed, days = recipe.forecasts, shop.options.seed, plan.split.horizon_days
    parts, outcomes = {}, []
    for at in stage_cutoffs(plan.split, shop.window.first_at, until):
        watched = min(days, round((until - at) / timedelta(days=1)))
        if (at, watched) not in known:
            known[at, watched] = labelled_rows(shop, recipe, (at,), days, watched)
        rows = known[at, watched]
        if at not in forecasts:
            bought = load_purchases(shop.db, to_micros(at))
            forecasts[at] = forecast_at(bought, _day(at), seed=seed)
        parts[_day(at)] = with_forecast(rows.X, gives, forecasts[at], _day(at), watched)
        outcomes.append(rows.y)
    if not parts:
        raise NotEnoughData("no window before it was watched")
    ahead = plan.horizon.days
    seen = outlook(load_purchases(shop.db, to_micros(until)), gives, _day(until), ahead, seed=seed)
    return Stage(gather(parts), np.concatenate(outcomes), seen, ahead)


def stage_cutoffs(split: Split, first_at: datetime, until: datetime) -> list[datetime]:
    """Return the cut-offs of windows watched by `until`, whole or in part, newest first."""
    whole = timedelta(days=split.horizon_days)
    earliest = first_at + timedelta(days=MIN_HISTORY_DAYS)
    found = {at for at in split.cutoffs if at + whole <= until}
    step = timedelta(days=max(1, split.horizon_days // PARTLY))
    found |= {until - step * number for number in range(1, PARTLY)}
    return sorted((at for at in found if at >= earliest), reverse=True)


def _day(at: datetime) -> float:
    """Return a time as days since 1970."""
    return to_micros(at) / DAY_MICROS
