"""Law 8 over time: a run that spans an erasure does not bring the person back."""

from contextlib import closing
from datetime import timedelta

import pandas as pd
import pytest
from town import END, NOW, act, fill
from traces import traces

import training.release as releasing
from feature_repo.backends import open_features, open_log
from feature_repo.erasure import erase
from feature_repo.loading import _Loaded, load_states
from training.release import release

LATE = NOW + timedelta(days=1)  # scores of before are too old by then
VIC = ["vic-one", "vic-phone"]


def erase_vic(settings):
    with closing(open_log(settings)) as log, closing(open_features(settings)) as features:
        erase(log, features, settings.home, "vic-one", NOW, lambda _: None)


def with_vic(settings):
    others = [act(n, "item-view", 1, customer=f"c{n}", items=[3]) for n in range(4)]
    mine = [
        act("v1", "item-view", 1, device="vic-phone", items=[3]),
        act("v2", "purchase", 2, customer="vic-one", device="vic-phone", items=[3], value=5.0),
    ]
    fill(settings.home, [*others, *mine])
    return settings


def profiles_in(folder):
    return set(pd.read_parquet(folder / "profiles.parquet")["profile_id"])


@pytest.mark.parametrize("step", ["write_items", "write_vectors", "write_responses"])
def test_a_release_under_way_does_not_bring_an_erased_person_back(make_home, monkeypatch, step):
    settings, real = with_vic(make_home()), getattr(releasing, step)

    def erasing(*given):
        real(*given)
        assert "vic-one" in str(traces(settings.home, VIC))  # the run has read them before
        erase_vic(settings)

    monkeypatch.setattr(releasing, step, erasing)
    folder = release(settings, END, at=NOW)
    assert profiles_in(folder) == {"c0", "c1", "c2", "c3"}
    assert traces(settings.home, VIC) == []


def test_a_build_under_way_does_not_bring_an_erased_person_back(make_home, monkeypatch):
    settings, real = with_vic(make_home()), _Loaded.__init__

    def erasing(self, lake):
        real(self, lake)  # has begun to read the states of the lake
        erase_vic(settings)

    monkeypatch.setattr(_Loaded, "__init__", erasing)
    with closing(open_log(settings)) as log, closing(open_features(settings)) as features:
        load_states(log, features, settings.home)
        assert set(features.read_many([*VIC, "c1"])) == {"c1"}


def test_a_run_that_fails_leaves_nothing_of_the_erased_either(make_home, monkeypatch):
    settings = with_vic(make_home())

    def failing(*_):
        erase_vic(settings)
        raise OSError("the disk is full")

    monkeypatch.setattr(releasing, "write_vectors", failing)
    with pytest.raises(OSError, match="disk is full"):
        release(settings, END, at=NOW)
    assert traces(settings.home, VIC) == []
