"""Our models and their peers side by side: one process, one split, one table.

    python bench/recommenders.py --data FOLDER_OR_FILE --protocol given|leave-last-out|time

`given`: a folder with train.txt and test.txt (LightGCN's format: user item item ...).
`leave-last-out`: the last new item of each user is asked for, by the column of times or by the
order of the file. `time`: all see only what was before --cut (else the last fifth is the test).
The whole catalogue is ranked, no negatives are sampled, items the user had are left out. The file
may be txt, csv, tsv or parquet, gzip or not; columns are guessed by name or said by --user, --item,
--time. Settings are chosen by the code on a validation cut of the training data, never on the test.
Prints Markdown; intervals hold 90 % of 500 draws of users.
"""

import argparse
import logging
import os
import platform
import sys
from pathlib import Path

from recommender_data import PROTOCOLS, Split, Task, load_task
from recommender_files import Wanted
from recommender_models import Options, chosen_models
from recommender_order import OrderOptions, Shelf
from recommender_table import gains, measure, table

from domain.errors import InvalidInput, NextbestError

METRICS = {
    "given": ("recall@20", "ndcg@20", "ndcg@10"),
    "leave-last-out": ("recall@10", "ndcg@10", "recall@20", "ndcg@20"),
    "time": ("recall@20", "ndcg@20", "ndcg@10"),
}


def main() -> int:
    given = _arguments()
    logging.disable(logging.WARNING)
    try:
        _run(given)
    except NextbestError as refused:
        print(f"recommenders: {refused.message}", file=sys.stderr)
        return 2
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True, metavar="FOLDER_OR_FILE")
    parser.add_argument("--protocol", choices=PROTOCOLS, required=True)
    parser.add_argument("--models", nargs="+", metavar="NAME", help="some of the rows, by name")
    parser.add_argument("--user", help="column of users (a name, or 0, 1, ... without a header)")
    parser.add_argument("--item", help="column of items")
    parser.add_argument("--time", help="column of times, or of an order")
    parser.add_argument("--where", metavar="COLUMN=VALUE", help="only rows with this value")
    parser.add_argument("--cut", help="first instant of the test: a date, or a number")
    parser.add_argument("--min-count", type=int, default=1, help="leave out rarer items")
    parser.add_argument("--trials", type=int, default=16, help="settings tried per tuned row")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=30, help="of the sequence model")
    parser.add_argument("--minutes", type=float, help="most minutes to train the sequence model")
    parser.add_argument("--length", type=int, default=100, help="items the sequence model reads")
    parser.add_argument("--dropout", type=float, default=0.1, help="of the sequence model")
    parser.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep trained sequence models for later runs"
    )
    return parser.parse_args()


def _run(given: argparse.Namespace) -> None:
    metrics = METRICS[given.protocol]
    models = chosen_models(given.models, ordered=given.protocol != "given")
    if given.trials < 1:
        raise InvalidInput(f"--trials: {given.trials}; give 1 or more")
    metric = "ndcg@10" if len(metrics) == 4 else "ndcg@20"
    options = Options(given.seed, given.threads, given.trials, metric, _order(given, metric))
    wanted = Wanted(given.user, given.item, given.time, given.where)
    task = load_task(given.data, given.protocol, wanted, given.cut, given.min_count, given.seed)
    print("\n".join(_about(given, task.split)), flush=True)
    cut = _cut(task)
    rows, without = [], []
    for name, make in models.items():
        print(f"{name} ...", file=sys.stderr, flush=True)
        try:
            rows.append(measure(name, make(options), task.split, cut))
        except NextbestError as why:  # a model that cannot learn from such data is named below
            without.append(f"- {name}: left out: {why.message}")
    if not rows:
        raise InvalidInput("no model could learn from these data:\n" + "\n".join(without))
    print("\n".join(["", *table(rows, metrics, given.seed), ""]))
    print(f"Gain in {options.metric}, by the same draws of users:\n")
    print("\n".join([*gains(rows, options.metric, given.seed), "", "Settings:", ""]))
    print("\n".join([*(f"- {row.name}: {row.chosen}" for row in rows), *without]))


def _order(given: argparse.Namespace, metric: str) -> OrderOptions:
    return OrderOptions(
        seed=given.seed,
        threads=given.threads,
        metric=metric,
        epochs=given.epochs,
        minutes=given.minutes,
        length=given.length,
        dropout=given.dropout,
        shelf=Shelf(given.keep),
    )


def _about(given: argparse.Namespace, split: Split) -> list[str]:
    load = os.getloadavg()[0]
    lines = [
        f"## {given.data.name}, {given.protocol}",
        "",
        f"{os.cpu_count()} cores {platform.machine()}, load {load:.1f}, Python "
        f"{platform.python_version()}; seed {given.seed}, {given.threads} threads, "
        f"{given.trials} trials per tuned row.",
        f"Learned from {len(split.train):,} acts of {len(split.train.user_ids):,} users on "
        f"{len(split.train.item_ids):,} items; asked for {len(split.users):,} users who took "
        f"{int(split.wanted.sum()):,} items.",
    ]
    return [*lines, *(f"{note}." for note in split.notes)]


def _cut(task: Task) -> Split | None:
    """Return the validation cut, or None (with a word) where the data are too small for one."""
    try:
        return task.cut()
    except InvalidInput as small:
        print(f"no validation cut, so defaults are taken: {small.message}", file=sys.stderr)
        return None


if __name__ == "__main__":
    sys.exit(main())
