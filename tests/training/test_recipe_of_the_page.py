"""The recipe that docs/training.md shows is short, and works as it stands there."""

import re
from pathlib import Path

import numpy as np
import pandas as pd

from training.recipe import Options, ScoreRecipe

PAGE = Path(__file__).parent.parent.parent / "docs" / "training.md"
CODE = re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[1]


def recipe():
    shown: dict[str, object] = {}
    exec(CODE, shown)  # the page is ours
    return shown["RECIPE"]


def test_it_is_under_20_lines():
    lines = [line for line in CODE.splitlines() if line.strip()]
    assert len(lines) < 20


def test_it_learns_whom_to_win_back():
    found = recipe()
    assert isinstance(found, ScoreRecipe)
    silent = pd.DataFrame({"recency_days": np.tile([61.0, 90, 200, 10], 100)})
    assert found.population.learned(silent, 30).mean() == 0.75
    rng = np.random.default_rng(1)
    X = silent.assign(order_count=rng.poisson(3, 400))
    y = (rng.random(400) < X["order_count"] / 10).astype(float)
    scorer = found.candidates["trees"](Options(seed=0, threads=1)).fit(X, y)
    assert np.corrcoef(scorer.predict(X), X["order_count"])[0, 1] > 0.7
