from datetime import UTC, datetime, timedelta

import pandas as pd
import pytest
from town import START, act, fill

from feature_repo.state_tables import connect
from training.data_window import data_window
from training.horizon import churn_horizon
from training.label_windows import label_windows, people

CUT = START + timedelta(days=10)


def windows(home, events, days: int = 30) -> dict[str, tuple[int, float]]:
    fill(home, events)
    with connect(home) as db:
        found = label_windows(db, [CUT], days)
    return {r.profile_id: (r.orders, r.spend) for r in found.itertuples()}


def test_a_label_counts_purchases_from_the_cut_off_to_before_the_end(tmp_path) -> None:
    found = windows(
        tmp_path,
        [
            act(1, "item-view", 5, customer="a"),
            act(2, "purchase", 9.99, customer="a", value=1),
            act(3, "purchase", 10, customer="a", value=10),
            act(4, "purchase", 39.99, customer="a", value=20),
            act(5, "purchase", 40, customer="a", value=99),
            act(6, "item-view", 12, customer="a"),
            act(7, "item-view", 5, customer="b"),
            act(8, "purchase", 15, customer="late", value=5),
        ],
    )
    assert found == {"a": (2, 30.0), "b": (0, 0.0)}  # who came later is not asked about


def test_a_label_follows_a_device_to_its_customer(tmp_path) -> None:
    found = windows(
        tmp_path,
        [
            act(1, "item-view", 5, device="d"),
            act(2, "purchase", 20, device="d", customer="c", value=7),
            act(3, "purchase", 25, customer="c", value=8),
        ],
    )
    assert found == {"d": (2, 15.0)}


def test_a_link_after_the_window_is_not_followed(tmp_path) -> None:
    found = windows(
        tmp_path,
        [
            act(1, "item-view", 5, device="d"),
            act(2, "purchase", 20, device="d", value=7),
            act(3, "identify", 50, device="d", customer="c"),
            act(4, "purchase", 20, customer="c", value=100),
        ],
    )
    assert found == {"d": (1, 7.0)}


def test_a_device_linked_before_the_cut_off_is_its_customer(tmp_path) -> None:
    found = windows(
        tmp_path,
        [
            act(1, "item-view", 2, device="d"),
            act(2, "identify", 5, device="d", customer="c"),
            act(3, "purchase", 12, device="d", value=7),
        ],
    )
    assert found == {"c": (1, 7.0)}


def test_what_happens_later_changes_nobody_at_the_cut_off(tmp_path) -> None:
    early = [act(1, "item-view", 5, device="d"), act(2, "item-view", 6, customer="a")]
    late = [act(3, "identify", 20, device="d", customer="a"), act(4, "purchase", 30, customer="z")]
    for home, events in (("early", early), ("both", early + late)):
        fill(tmp_path / home, events)
        with connect(tmp_path / home) as db:
            assert people(db, CUT)["profile_id"].tolist() == ["a", "d"]


def test_cut_offs_are_utc_and_in_order(tmp_path) -> None:
    fill(tmp_path, [act(1, "item-view", 1, customer="a"), act(2, "item-view", 2, customer="b")])
    with connect(tmp_path) as db:
        found = label_windows(db, [CUT, CUT - timedelta(days=8.5)], 5)
    assert found["profile_id"].tolist() == ["a", "a", "b"]
    assert found["event_timestamp"].iloc[-1] == pd.Timestamp(CUT)


def test_the_window_of_data_ends_with_the_last_whole_day(tmp_path) -> None:
    fill(tmp_path, [act(1, "item-view", 0.5, customer="a"), act(2, "item-view", 3.7, customer="a")])
    with connect(tmp_path) as db:
        window = data_window(db)
        assert window.end == datetime(2025, 1, 4, tzinfo=UTC)
        assert (window.events, window.ids, window.days) == (2, 1, 2.5)
        assert data_window(db).fingerprint == window.fingerprint
        assert churn_horizon(db, window, 45).days == 45
    fill(tmp_path, [act(3, "item-view", 3.8, customer="a")])
    with connect(tmp_path) as db:
        assert data_window(db).fingerprint != window.fingerprint


def test_the_horizon_is_computed_from_the_gaps_of_the_shop(tmp_path) -> None:
    weekly = [
        act(f"{who}-{day}", "purchase", day, customer=f"c{who}", value=1)
        for who in range(5)
        for day in range(0, 200, 20)
    ]
    fill(tmp_path, weekly)
    with connect(tmp_path) as db:
        assert churn_horizon(db, data_window(db), 0).days == pytest.approx(21)
