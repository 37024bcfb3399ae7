"""The report of a recommender: its sheet, its card, its plot, and what MLflow keeps of it."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from training.answers import Answers
from training.bootstrap import Estimate
from training.card import Card
from training.gates import Gate, decide
from training.plots import draw_bars
from training.publishing import Proof, Trained
from training.ranking_test import RANKING, Ranking, estimates, gains, rank
from training.recommend_training import TrainedRecommender
from training.retake import tested_model
from training.sheet import Sheet
from training.workshop import Workshop

Baselines = Mapping[str, Mapping[str, float]]  # baseline -> metric -> value


def report_recommender(shop: Workshop, trained: TrainedRecommender) -> Trained:
    """Return everything that publishing writes down."""
    recipe, seed = trained.recipe, shop.settings.seed
    metrics = {_at(trained, m): e for m, e in estimates(trained.ranking, seed).items()}
    baselines = _baselines(trained)
    metric = _at(trained, recipe.metric)
    better = _gains(trained, recipe.metric, seed)
    return Trained(
        sheet=_sheet(shop, trained, metrics),
        card=_card(shop, trained, metrics, baselines),
        metric=metric,
        metrics=metrics,
        baselines=baselines,
        gains=better,
        gate=_gate(trained, metric, metrics[metric], better, seed),
        rows=trained.acts,
        horizon=trained.stretches.describe(),
        params=_params(shop, trained),
        tags=shop.tags(trained.name, recipe.feature_service),
        save=trained.model.save,
        draw=lambda folder: _draw(folder, metric, metrics, baselines),
        proof=_proof(shop, trained),
    )


def _proof(shop: Workshop, trained: TrainedRecommender) -> Proof:
    test, k = trained.test, trained.recipe.k
    taken = [sorted(items) for items in test.taken]
    about = (k, trained.stretches.test, trained.stretches.end)
    rows = [about, *zip(test.acts.user_ids[test.users].tolist(), taken, strict=True)]

    def answers(ranking: Ranking) -> Answers:
        return Answers.of_ranking(rows, {_at(trained, m): ranking.of(m) for m in RANKING})

    return Proof(
        answers(trained.ranking),
        trained.examined.save,
        lambda champion: answers(rank(tested_model(shop, champion), test, k)),
    )


def _gains(trained: TrainedRecommender, metric: str, seed: int) -> dict[str, Estimate]:
    """Return how much better the model is than each other one; than itself says nothing."""
    others = {n: r for n, r in trained.rankings.items() if n != trained.kind}
    return gains(trained.ranking, others, metric, seed)


def _gate(
    trained: TrainedRecommender,
    metric: str,
    score: Estimate,
    better: Mapping[str, Estimate],
    seed: int,
) -> Gate:
    """Pass what beats every baseline; say of each rival whether it is beaten, and in what."""
    recipe = trained.recipe
    gate = decide(metric, score, {name: better[name] for name in recipe.baselines})
    said = [trained.choice.why]
    for asked, of in (("new", "ndcg"), ("all", "ndcg_all")):
        found = _gains(trained, of, seed)
        for name in (*recipe.baselines, *recipe.rivals):
            if name in found:
                word = "beats" if found[name].low > 0 else "does not clearly beat"
                said.append(f"of {asked} items it {word} {name} ({found[name]})")
    return Gate(gate.passed, "; ".join([gate.reason, *said]))


def _at(trained: TrainedRecommender, metric: str) -> str:
    return f"{metric}@{trained.recipe.k}"


def _baselines(trained: TrainedRecommender) -> dict[str, dict[str, float]]:
    return {
        name: {_at(trained, m): float(ranking.of(m).mean()) for m in RANKING}
        | {"coverage": ranking.coverage}
        for name, ranking in trained.rankings.items()
        if name != trained.kind
    }


def _sheet(shop: Workshop, trained: TrainedRecommender, metrics: Mapping[str, Estimate]) -> Sheet:
    values = {name: estimate.value for name, estimate in metrics.items()}
    return Sheet(
        name=trained.name,
        recipe=trained.name,
        kind=trained.kind,
        unit="order",
        horizon_days=0,
        trained_at=shop.at.isoformat(),
        reliability="high",
        reliability_reason="",
        metrics=values | {"coverage": trained.ranking.coverage},
    )


def _card(
    shop: Workshop,
    trained: TrainedRecommender,
    metrics: Mapping[str, Estimate],
    baselines: Baselines,
) -> Card:
    recipe = trained.recipe
    return Card(
        name=trained.name,
        question=recipe.question,
        about={
            "learned from": ", ".join(f"{g} (weight {w:g})" for g, w in recipe.weights.items()),
            "an act counts half after": f"{recipe.half_life_days:g} days",
            "model": trained.kind,
            "acts": str(trained.acts),
            "customers in the test": str(trained.customers),
            "share of items shown to anyone": f"{trained.ranking.coverage:.3g}",
            "trained at": f"{shop.at:%Y-%m-%d %H:%M} UTC, seed {shop.settings.seed}",
        },
        window=shop.window,
        split=f"{trained.stretches.describe()}; the released model learned from all days",
        metrics=metrics,
        baselines=baselines,
        trials=trained.choice.trials,
        limits=[
            "Tested on all items (`_all`) and on those new to the customer, where what was bought "
            "before is left out; `ndcg_both` is the mean of the two, by customer.",
            "Items that nobody had touched before the test cannot be recommended and do not count.",
        ],
    )


def _params(shop: Workshop, trained: TrainedRecommender) -> dict[str, Any]:
    recipe = trained.recipe
    return {
        "recipe": trained.name,
        "candidate": trained.kind,
        "split": trained.stretches.describe(),
        "metric": _at(trained, recipe.metric),
        "half_life_days": recipe.half_life_days,
        "weights": dict(recipe.weights),
        "acts": trained.acts,
        "seed": shop.settings.seed,
        "candidates": ",".join(f"{n}={v:.4g}" for n, v in trained.choice.trials.items()),
    }


def _draw(folder: Path, metric: str, metrics: Mapping[str, Estimate], baselines: Baselines) -> None:
    (folder / "plots").mkdir()
    bars = {"model": metrics[metric].value, **{n: b[metric] for n, b in baselines.items()}}
    draw_bars(bars, metric, folder / "plots" / "comparison.png")
