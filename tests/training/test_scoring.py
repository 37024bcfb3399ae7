import os
import signal
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import pandas as pd
import pytest
from town import END, NOW, Town, act, fill

from domain.errors import InvalidInput
from domain.settings import Settings
from feature_repo.backends import open_features
from feature_repo.built import features_of, spans
from feature_repo.online import SCORES
from feature_repo.state_tables import connect
from training.engines import open_engine
from training.label_windows import people
from training.score_job import FOLDER, PLAN
from training.scoring import score_all

pytestmark = pytest.mark.slow

PART = 100  # customers: the town has more than ten times as many
KILLED = f"""
import os, signal, sys
from datetime import datetime
from pathlib import Path
from domain.settings import Settings
from training.scoring import score_all

def die(what, share):
    if share >= float(sys.argv[3]):
        os.kill(os.getpid(), signal.SIGKILL)

score_all(
    Settings(home=Path(sys.argv[1]), threads=1), datetime.fromisoformat(sys.argv[2]),
    progress=die, part={PART},
)
"""


def killed(home: Path, share: float) -> list[Path]:
    """Score until a share is done, kill -9, and return the parts that are there."""
    args = [sys.executable, "-c", KILLED, str(home), END.isoformat(), str(share)]
    done = subprocess.run(args, env=os.environ, capture_output=True, text=True, timeout=300)
    assert done.returncode == -signal.SIGKILL, done.stderr
    return sorted((home / FOLDER).glob("*.parquet"))


def kept(settings: Settings, ids: list[str]) -> dict[str, str]:
    """Return the score records of each profile, as their text lies online."""
    with closing(open_features(settings)) as features:
        found = features._kept.read(SCORES, ids)
    return {i: text for i, (_, text) in zip(ids, found, strict=True)}


def assert_scored_alike(settings: Settings, town: Town) -> None:
    table, expected = (
        pd.read_parquet(s.home / "scored" / "profiles.parquet") for s in (settings, town.settings)
    )
    pd.testing.assert_frame_equal(table, expected, check_exact=True)
    ids = expected["profile_id"].tolist()
    assert kept(settings, ids) == kept(town.settings, ids)


def test_a_range_of_the_build_reads_as_feast_joins_it(town: Town) -> None:
    with (
        closing(open_features(town.settings)) as features,
        connect(town.settings.home) as db,
    ):
        joined = features.training_frame(people(db, END), "clv_v1")
    parts = [features_of(town.settings.home, END, s) for s in spans(town.settings.home, END, PART)]
    assert {len(part) for part in parts[:-1]} == {PART}
    read = pd.concat(parts, ignore_index=True)
    pd.testing.assert_frame_equal(read, joined[list(read.columns)], check_exact=True)


def test_a_scoring_killed_half_way_and_while_it_writes_goes_on_to_the_same_scores(
    town: Town, make_copy
) -> None:
    settings = make_copy(town.settings)
    half = {f: f.stat().st_mtime_ns for f in killed(settings.home, 0.7)}
    every = killed(settings.home, 0.8)
    assert 3 < len(half) < len(every)
    assert half == {f: f.stat().st_mtime_ns for f in half}  # none was scored again
    done = score_all(settings, END + timedelta(hours=1), at=NOW, part=PART)
    assert done.before == len(every)
    assert done.as_of == END  # it goes on with what was begun
    assert not (settings.home / FOLDER).exists()
    assert_scored_alike(settings, town)


def test_what_was_begun_with_other_data_is_begun_anew(town: Town, make_copy) -> None:
    settings = make_copy(town.settings)
    assert killed(settings.home, 0.7)
    assert (settings.home / FOLDER / PLAN).exists()
    fill(settings.home, [act("new", "item-view", 3.0, customer="somebody", items=[1])])
    done = score_all(settings, END, at=NOW, part=PART)
    assert done.before == 0
    assert "somebody" in set(
        pd.read_parquet(settings.home / "scored" / "profiles.parquet")["profile_id"]
    )


@pytest.mark.skipif(find_spec("ray") is None, reason="the extra 'cluster' (Ray) is not installed")
def test_a_cluster_of_two_workers_gives_the_same_scores(town: Town, make_copy) -> None:
    settings = replace(make_copy(town.settings), threads=2)
    score_all(settings, END, at=NOW, engine="ray", part=PART)
    assert_scored_alike(settings, town)


def test_without_the_extra_the_engine_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.ray_engine.find_spec", lambda name: None)
    with pytest.raises(InvalidInput, match=r"pip install 'nextbest\[cluster\]'"):
        open_engine("ray", 2).__enter__()


def test_an_unknown_engine_is_named_with_those_there_are() -> None:
    with pytest.raises(InvalidInput, match="no engine 'spark'; there are embedded and ray"):
        open_engine("spark", 2).__enter__()
