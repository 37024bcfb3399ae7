"""Scores side by side: ours, the baselines and the peers, on the same splits of the same rows.

    python bench/scores.py --task table --data FILE --target COLUMN [--time COLUMN]
    python bench/scores.py --task lead --data LEADS [--also-without "Last Activity"]
    python bench/scores.py --task churn|clv --data FILE_OR_FOLDER [--cut DATE --horizon DAYS]

The last form is that of bench/scores_clv.py.

Intervals are 90 % bootstrap intervals by person.
"""

import argparse
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import lightgbm as lgb
import numpy as np
import scores_clv

from models.encoder import FrameEncoder
from training.bootstrap import Sample
from training.metrics import METRICS, METRICS_OF_UNIT
from training.table import TableAsked, read_table, screened
from training.table_test import Tested, tested_table

NAMES = METRICS_OF_UNIT["probability"]


def main() -> None:
    if {"churn", "clv"} & set(sys.argv):  # these read orders, not a table, by other arguments
        scores_clv.main()
        return
    asked = _arguments()
    for without in [(), tuple(asked.also_without)] if asked.also_without else [()]:
        _table(asked, without)


def _arguments() -> argparse.Namespace:
    given = argparse.ArgumentParser(description=__doc__)
    given.add_argument("--task", required=True, choices=["table", "lead"])
    given.add_argument("--data", required=True, type=Path)
    given.add_argument("--target", default="Converted")
    given.add_argument("--time", default="")
    given.add_argument("--keep", action="append", default=[])
    given.add_argument("--also-without", action="append", default=[])
    given.add_argument("--folds", type=int, default=5)
    given.add_argument("--repeats", type=int, default=2)
    given.add_argument("--threads", type=int, default=2)
    given.add_argument("--seed", type=int, default=7)
    return given.parse_args()


def _table(asked: argparse.Namespace, without: tuple[str, ...]) -> None:
    what = TableAsked(asked.data, asked.target, asked.time, keep=asked.keep, leave_out=without)
    found = screened(what, read_table(asked.data), asked.seed, datetime.now(UTC))
    print(f"\n{asked.data.name}" + (f" without {', '.join(without)}" if without else ""))
    print("\n".join(f"- {sentence}" for sentence in found.sentences()))
    start = time.perf_counter()
    tested = tested_table(found.table, asked.seed, asked.threads, asked.folds, asked.repeats)
    tested.scores["LightGBM, its defaults"] = _plain_trees(tested, asked)
    print(f"\n{len(found.table.y):,} rows; {tested.how}; seed {asked.seed}; "
          f"{time.perf_counter() - start:.0f} s\n")  # fmt: skip
    print(f"| model | {' | '.join(NAMES)} |\n|{' --- |' * (len(NAMES) + 1)}")
    sample = Sample(tested.y, tested.who, asked.seed)
    for name, score in tested.scores.items():
        cells = [str(sample.estimate(METRICS[metric], score)) for metric in NAMES]
        print(f"| {name} | {' | '.join(cells)} |")


def _plain_trees(tested: Tested, asked: argparse.Namespace) -> np.ndarray:
    """Return what LightGBM says at its defaults, on the same sides."""
    scores = []
    for train_X, train_y, test_X in tested.sides:
        encoder = FrameEncoder().fit(train_X)
        model = lgb.LGBMClassifier(n_jobs=asked.threads, random_state=asked.seed, verbose=-1)
        model.fit(encoder.encode(train_X), train_y, categorical_feature=encoder.categories)
        scores.append(np.asarray(model.predict_proba(encoder.encode(test_X)))[:, 1])
    return np.concatenate(scores)


if __name__ == "__main__":
    main()
