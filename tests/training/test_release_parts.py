import json

import numpy as np
import pandas as pd
import pytest
from town import END, NOW, act, fill

from domain.errors import InvalidAction
from feature_repo.state_tables import connect
from training.crowd_vectors import standardised
from training.release import release
from training.release_items import write_items
from training.release_responses import write_responses


def responses(settings, events) -> dict:
    fill(settings.home, events)
    file = settings.home / "responses.json"
    with connect(settings.home) as db:
        write_responses(db, settings, file)
    return json.loads(file.read_text())


def test_a_showing_is_accepted_by_a_success_that_carries_its_id_in_time(make_home) -> None:
    told = {"action": "welcome_offer", "control": False}
    shown = [
        act(n, "action-shown", 10, customer=f"c{n}", decision=f"D{n}", **told) for n in range(4)
    ]
    found = responses(
        make_home(),
        [
            act("v", "item-view", 9, customer="c0"),
            *shown,
            act("a", "purchase", 12, customer="c0", decision="D0", value=1),
            act("b", "purchase", 30, customer="c1", decision="D1", value=1),  # too late
            act("c", "item-view", 11, customer="c2", decision="D2"),  # not a success
            act("d", "purchase", 11, customer="c3", value=1),  # of another cause
        ],
    )
    assert found["welcome_offer"]["overall"] == {"shown": 4, "accepted": 1}
    assert found["welcome_offer"]["strata"] == {
        "visitor/fresh": {"shown": 1, "accepted": 1},
        "visitor/quiet": {"shown": 3, "accepted": 0},
    }


def test_the_stratum_is_that_of_before_the_showing(make_home) -> None:
    found = responses(
        make_home(),
        [
            act(1, "add-to-cart", 1, customer="c"),
            act(2, "action-shown", 21, customer="c", decision="D", action="welcome_offer"),
            act(3, "purchase", 22, customer="c", decision="D", value=9),
        ],
    )
    assert list(found["welcome_offer"]["strata"]) == ["lead/recent"]


def test_held_out_and_unknown_actions_are_not_counted(make_home) -> None:
    found = responses(
        make_home(),
        [
            act(
                1,
                "action-shown",
                1,
                customer="c",
                decision="D1",
                action="welcome_offer",
                control=True,
            ),
            act(2, "action-shown", 1, customer="c", decision="D2", action="long_gone"),
        ],
    )
    assert found == {}


def test_a_missing_action_catalogue_is_named(make_home) -> None:
    from dataclasses import replace
    from pathlib import Path

    settings = replace(make_home(), actions_file=Path("nowhere.toml"))
    with pytest.raises(InvalidAction, match=r"nowhere\.toml; see setting actions_file"):
        responses(settings, [act(1, "item-view", 1, customer="c")])


def test_popularity_fades_and_trend_is_against_the_own_past(make_home) -> None:
    settings = make_home()
    late, early = range(196, 210), range(112, 196, 6)
    events = [act(f"r{d}", "purchase", d, customer="a", items=[0], value=1) for d in late]
    events += [act(f"f{d}", "purchase", d, customer="a", items=[1], value=1) for d in early]
    events += [act("new", "item-view", 200, customer="a", items=[77])]
    fill(settings.home, events)
    file = settings.home / "items.parquet"
    with connect(settings.home) as db:
        write_items(db, settings.home, END, file)
    items = pd.read_parquet(file).set_index("item_id")
    assert items.loc["i00", "popularity"] > items.loc["i01", "popularity"] > 0
    assert items.loc["i00", "trend"] > 1 > 0 > items.loc["i01", "trend"]
    assert items.loc["i02", "popularity"] == items.loc["i02", "trend"] == 0
    assert items.loc["i77", "title"] == "i77"  # never described, but seen
    assert items.loc["i77", "price"] == 82.0
    assert list(items.index) == sorted(items.index)


def test_a_release_without_models_still_has_items_and_profiles(make_home) -> None:
    settings = make_home()
    fill(settings.home, [act(1, "item-view", 1, customer="a", items=[3])])
    folder = release(settings, END, at=NOW)
    assert json.loads((folder / "release.json").read_text())["models"] == {}
    assert len(pd.read_parquet(folder / "profiles.parquet")) == 1
    assert len(pd.read_parquet(folder / "items.parquet")) == 40


def test_a_standardised_column_is_finite_cut_and_centred() -> None:
    column = standardised(np.array([1.0, 2.0, 3.0, np.nan, 1e9]))
    assert column[3] == 0
    assert np.abs(column).max() <= 3
    assert not standardised(np.full(5, 7.0)).any()
    assert not standardised(np.full(5, np.nan)).any()
