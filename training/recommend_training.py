"""How a recommender is learned: chosen on one stretch of days, tested on the next, refitted on all."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from domain.behaviour import DAY_MICROS
from domain.errors import NotEnoughData
from domain.events import from_micros, to_micros
from models.protocols import Recommender
from training.acts import Acts, load_acts
from training.card import Card
from training.gates import decide
from training.plots import draw_bars
from training.publishing import Trained
from training.ranking_test import Ranking, RankingTest, estimates, gains, rank, ranking_test
from training.recipe import MakeRecommender, Options, RecommendRecipe
from training.sheet import Sheet
from training.workshop import Workshop

MIN_CUSTOMERS = 50  # with something new in the days held out
LONGEST_TEST_DAYS, TEST_SHARE, SHORTEST_TEST_DAYS = 28, 0.1, 1


@dataclass(frozen=True, slots=True)
class Stretches:
    """Microseconds since 1970: validation is [validate, test), test is [test, end)."""

    validate: int
    test: int
    end: int

    def describe(self) -> str:
        """Return the split in one line."""
        days = [f"{from_micros(at):%Y-%m-%d}" for at in (self.validate, self.test, self.end)]
        return f"chosen on the days from {days[0]}, tested on those from {days[1]} to {days[2]}"


def stretches(shop: Workshop) -> Stretches:
    """Hold out the last 28 days or tenth of the history, and as much before that for the choice."""
    history = shop.window.last_at - shop.window.first_at
    days = min(LONGEST_TEST_DAYS, max(history / timedelta(days=1) * TEST_SHARE, SHORTEST_TEST_DAYS))
    end, length = to_micros(shop.window.last_at) + 1, int(days * DAY_MICROS)
    return Stretches(end - 2 * length, end - length, end)


def train_recommender(shop: Workshop, name: str, recipe: RecommendRecipe) -> Trained:
    """Learn a recommender and compare it with the popular lists."""
    split, options = stretches(shop), shop.options
    acts = load_acts(shop.db, recipe.weights)
    choice = _held_out(name, acts, split.validate, split.test, recipe, options)
    test = _held_out(name, acts, split.test, split.end, recipe, options)
    shop.say(f"{name}: {len(acts)} acts of {len(acts.user_ids)} customers", 0.1)
    trials = {
        n: _trial(make, choice, split.validate, recipe, options)
        for n, make in recipe.candidates.items()
    }
    best = max(trials, key=trials.__getitem__)
    shop.say(f"{name}: {best} chosen; testing on {len(test)} customers; {split.describe()}", 0.7)
    rankings = {
        n: rank(_fit(make, test.acts, split.test, recipe, options), test, recipe.k)
        for n, make in {best: recipe.candidates[best], **recipe.baselines}.items()
    }
    final = _fit(recipe.candidates[best], acts, split.end, recipe, options)
    return _report(
        shop, name, recipe, _Result(best, trials, rankings, final, len(acts), split, len(test))
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Result:
    kind: str
    trials: Mapping[str, float]
    rankings: Mapping[str, Ranking]  # the model first, then the baselines
    model: Recommender
    acts: int
    split: Stretches
    customers: int


def _held_out(
    name: str, acts: Acts, start: int, end: int, recipe: RecommendRecipe, options: Options
) -> RankingTest:
    test = ranking_test(acts, start, end, recipe.half_life_days, options.seed)
    if len(test) < MIN_CUSTOMERS:
        raise NotEnoughData(
            f"{name}: {len(test)} customers with a past took something new from "
            f"{from_micros(start):%Y-%m-%d} to {from_micros(end):%Y-%m-%d}, at least {MIN_CUSTOMERS} "
            "are needed to test a recommender; import more events with items in them, or wait"
        )
    return test


def _trial(
    make: MakeRecommender, test: RankingTest, now: int, recipe: RecommendRecipe, options: Options
) -> float:
    ranking = rank(_fit(make, test.acts, now, recipe, options), test, recipe.k)
    return float(ranking.of(recipe.metric).mean())


def _fit(
    make: MakeRecommender, acts: Acts, now: int, recipe: RecommendRecipe, options: Options
) -> Recommender:
    model = make(options.for_rows(len(acts)))
    return model.fit(acts.interactions(now, recipe.half_life_days))


def _report(shop: Workshop, name: str, recipe: RecommendRecipe, result: _Result) -> Trained:
    seed, ranking = shop.settings.seed, result.rankings[result.kind]
    others = {n: r for n, r in result.rankings.items() if n != result.kind}
    at_k = {m: f"{m}@{recipe.k}" for m in ("recall", "ndcg")}
    metrics = {at_k[m]: e for m, e in estimates(ranking, seed).items()}
    baselines = {
        n: {**{at_k[m]: float(r.of(m).mean()) for m in at_k}, "coverage": r.coverage}
        for n, r in others.items()
    }
    better = gains(ranking, others, recipe.metric, seed)
    gate = decide(at_k[recipe.metric], metrics[at_k[recipe.metric]], better)
    plain = {**{n: e.value for n, e in metrics.items()}, "coverage": ranking.coverage}
    about = {
        "learned from": ", ".join(f"{g} (weight {w:g})" for g, w in recipe.weights.items()),
        "an act counts half after": f"{recipe.half_life_days:g} days",
        "model": result.kind,
        "acts": str(result.acts),
        "customers in the test": str(result.customers),
        "share of items shown to anyone": f"{ranking.coverage:.3g}",
        "trained at": f"{shop.at:%Y-%m-%d %H:%M} UTC, seed {seed}",
    }
    card = Card(
        name=name,
        question=recipe.question,
        about=about,
        window=shop.window,
        split=f"{result.split.describe()}; the released model learned from all days",
        metrics=metrics,
        baselines=baselines,
        verdict=("Released. " if gate.passed else "Tracked, not released. ") + gate.reason,
        trials=result.trials,
        limits=[
            "Tested on items new to the customer: what was bought before is left out.",
            "Items that nobody had touched before the test cannot be recommended and do not count.",
        ],
    )
    return Trained(
        sheet=Sheet(name, name, result.kind, "order", 0, shop.at.isoformat(), "high", "", plain),
        card=card,
        metric=at_k[recipe.metric],
        metrics=metrics,
        baselines=baselines,
        gains=better,
        gate=gate,
        rows=result.acts,
        horizon=result.split.describe(),
        params=_params(shop, name, recipe, result),
        tags=shop.tags(name, recipe.feature_service),
        save=result.model.save,
        draw=lambda folder: _draw(folder, at_k[recipe.metric], metrics, baselines),
    )


def _params(shop: Workshop, name: str, recipe: RecommendRecipe, result: _Result) -> dict[str, Any]:
    return {
        "recipe": name,
        "candidate": result.kind,
        "split": result.split.describe(),
        "metric": f"{recipe.metric}@{recipe.k}",
        "half_life_days": recipe.half_life_days,
        "weights": dict(recipe.weights),
        "acts": result.acts,
        "seed": shop.settings.seed,
        "candidates": ",".join(f"{n}={v:.4g}" for n, v in result.trials.items()),
    }


def _draw(folder: Path, metric: str, metrics: Mapping, baselines: Mapping) -> None:
    (folder / "plots").mkdir()
    bars = {"model": metrics[metric].value, **{n: b[metric] for n, b in baselines.items()}}
    draw_bars(bars, metric, folder / "plots" / "comparison.png")
