"""The recipe `recommend` on a shop's log: all models, blend and ranker beside implicit's ALS.

    python bench/recommend_recipe.py --data online_retail_ii --from FOLDER [--seed 7] [--trials 8]

`--data` is a built-in mapping. All settings, the weights of the blend, the ranker and the choice
come from days before the test, those of implicit's ALS too. Two things are asked of each customer:
which items new to them they took, and which of all. Prints Markdown; intervals hold 90 % of 500
draws of customers. The last table knows of each customer the one act before the test alone.
"""

import argparse
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from recommender_models import drawn
from recommender_peers import PEERS

from domain.settings import Settings
from feature_repo.backends import open_features, open_log
from feature_repo.importing import import_files, load_mapping
from feature_repo.lake import export
from feature_repo.stream import load_states
from models.ranking import Catalogue
from training.bootstrap import Estimate
from training.moment import Moment
from training.ranking_test import RANKING, Ranking, RankingTest, estimates, gains, rank, results_of
from training.recipe import RecommendRecipe, load_recipe
from training.recommend_training import Plan, plan
from training.workshop import open_workshop

PEER, CHOSEN = "implicit als", "implicit als, tuned"
AGAINST = ("popular", "popular_lately", "als", "buy_again", PEER, CHOSEN)
QUESTIONS = {"new items": ("recall", "ndcg"), "all items": ("recall_all", "ndcg_all")}
BATCH = 256


def main() -> None:
    given = _arguments()
    recipe = load_recipe("recommend")
    if not isinstance(recipe, RecommendRecipe):
        sys.exit("recommend is no recipe of a recommender")
    with tempfile.TemporaryDirectory(prefix="nextbest-bench-") as home:
        settings = replace(Settings(), home=Path(home), seed=given.seed)
        _fill(settings, given.data, given.folder)
        with open_workshop(settings, datetime.now(UTC)) as shop:
            made = plan(shop, "recommend", recipe)
            rankings = dict(_rankings(made, recipe, given))
            print("\n".join(_report(made, rankings, recipe, given)))
            print("\n".join(_one_act(made, recipe, given.seed)))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", required=True, help="a built-in mapping")
    parser.add_argument("--from", dest="folder", required=True, help="the folder with its files")
    parser.add_argument("--seed", type=int, default=7)
    parser.add_argument("--trials", type=int, default=8, help="settings tried of implicit's ALS")
    return parser.parse_args()


def _fill(settings: Settings, data: str, folder: str) -> None:
    log = open_log(settings)
    files = [str(file) for file in sorted(Path(folder).glob("*.parquet"))]
    import_files(files, load_mapping(data), log)
    export(log, settings.home)
    features = open_features(settings)
    load_states(log, features, settings.home)
    features.close()


def _rankings(
    made: Plan, recipe: RecommendRecipe, given: argparse.Namespace
) -> Iterator[tuple[str, Ranking]]:
    for name in recipe.candidates:
        yield name, rank(made.now.fitted(name), made.test, recipe.k)
    for name, build in made.further.items():
        yield name, rank(build(made.now), made.test, recipe.k)
    if PEER in PEERS:
        yield PEER, _peer({}, made.now, made.test, recipe.k)
        if made.lessons is not None:
            yield CHOSEN, _peer(_best(made, recipe, given), made.now, made.test, recipe.k)


def _best(made: Plan, recipe: RecommendRecipe, given: argparse.Namespace) -> Mapping[str, object]:
    """Return the peer's best settings on the days on which ours were chosen."""
    lessons = made.lessons or made.test
    tried = drawn(PEERS[CHOSEN].space or {}, given.trials, given.seed)
    found = [_peer(one, made.learned, lessons, recipe.k).of(recipe.metric).mean() for one in tried]
    return tried[int(np.argmax(found))]


def _peer(settings: Mapping[str, object], now: Moment, test: RankingTest, k: int) -> Ranking:
    """Rank with implicit's ALS, which knows its users by their codes."""
    learned = now.interactions()
    model = PEERS[PEER].make(settings, now.shop.settings.seed, 1)
    model.fit(learned, None)
    catalogue, shown = Catalogue(learned.item_ids), set[str]()
    parts = []
    for start in range(0, len(test), BATCH):
        some = test.only(np.arange(start, min(start + BATCH, len(test))))
        parts.append(results_of(catalogue, model.scores(some.users, []), some, k, shown))
    results = {name: np.concatenate([part[name] for part in parts]) for name in RANKING}
    return Ranking(results, len(shown) / len(catalogue))


def _report(
    made: Plan, rankings: Mapping[str, Ranking], recipe: RecommendRecipe, given: argparse.Namespace
) -> Iterator[str]:
    released = made.choice.name
    yield f"## {given.data}\n"
    yield f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, seed {given.seed}; "
    yield f"{len(made.acts):,} acts; {made.split.describe()}; {len(made.test):,} customers asked, "
    yield f"{made.test.asked_new:,} of them took something new. {made.choice.why}.\n"
    heads = [f"{m}@{recipe.k}, {asked}" for asked, of in QUESTIONS.items() for m in of]
    heads = [head.replace("_all", "") for head in heads]
    yield "| model | " + " | ".join([*heads, "coverage"]) + " |"
    yield "| --- |" + " --- |" * (len(heads) + 1)
    for name, ranking in rankings.items():
        found = estimates(ranking, given.seed)
        cells = [str(found[metric]) for of in QUESTIONS.values() for metric in of]
        title = f"**{name}**, released" if name == released else name
        yield "| " + " | ".join([title, *cells, f"{ranking.coverage:.1%}"]) + " |"
    yield f"\nNDCG of {released} over\n\n| | new items | all items |\n| --- | --- | --- |"
    others = {n: rankings[n] for n in AGAINST if n in rankings and n != released}
    new, every = (gains(rankings[released], others, m, given.seed) for m in ("ndcg", "ndcg_all"))
    for name in others:
        yield f"| {name} | {_said(new[name])} | {_said(every[name])} |"


def _said(gain: Estimate) -> str:
    return str(gain) if gain.low > 0 else f"{gain} (not clearly)"


def _one_act(made: Plan, recipe: RecommendRecipe, seed: int) -> Iterator[str]:
    """Yield what the last act before the test alone is worth, against lists without it."""
    test = made.test.of_one_act()
    found = {
        "popular": rank(made.now.fitted("popular"), test, recipe.k),
        "popular_lately": rank(made.now.fitted("popular_lately"), test, recipe.k),
        made.choice.name: rank(made.choice.build(made.now), test, recipe.k),
    }
    yield f"\nOne event is known of each of {len(test):,} customers:\n"
    yield f"| model | recall@{recipe.k}, new items | ndcg@{recipe.k}, new items | gain in ndcg |"
    yield "| --- | --- | --- | --- |"
    own = found[made.choice.name]
    for name, ranking in found.items():
        values = estimates(ranking, seed)
        gain = "" if ranking is own else str(gains(own, {name: ranking}, "ndcg", seed)[name])
        yield f"| {name} | {values['recall']} | {values['ndcg']} | {gain} |"


if __name__ == "__main__":
    main()
