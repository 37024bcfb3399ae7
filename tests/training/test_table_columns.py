"""A plain table as people export it: what is wrong is said in a sentence, or handled and said."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from domain.errors import InvalidInput
from training.table_columns import prepare

NOW = datetime(2026, 6, 1, tzinfo=UTC)
N = 400
RNG = np.random.default_rng(2)


def leads(**more):
    plain = {"visits": RNG.poisson(3, N), "won": np.where(RNG.random(N) < 0.3, "Yes", "No")}
    return pd.DataFrame(plain | more)


def said(table):
    return " | ".join(table.said)


@pytest.mark.parametrize(
    "outcome, words",
    [
        ("Yes", "only the value 'yes'"),
        (["a", "b", "c", "d"] * (N // 4), "4 values"),
        (None, "no values"),
    ],
)
def test_a_target_without_two_values_is_refused_with_the_cure(outcome, words):
    with pytest.raises(InvalidInput, match=words) as fault:
        prepare(leads(won=outcome), "won", "", NOW)
    assert fault.value.field == "target" and "Choose another column" in str(fault.value)


def test_a_column_that_is_not_there_is_named_with_the_nearest():
    with pytest.raises(InvalidInput, match="did you mean 'won'"):
        prepare(leads(), "wonn", "", NOW)


def test_yes_counts_as_happened_even_where_it_is_the_more_frequent():
    table = prepare(leads(won=["Yes"] * 300 + ["No"] * 100), "won", "", NOW)
    assert table.y.mean() == 0.75


def test_ids_are_left_out_and_said():
    numbers = [f"L-{n:05d}" for n in range(N)]
    table = prepare(leads(lead=numbers, lead_number=range(N)), "won", "", NOW)
    assert list(table.X) == ["visits"]
    assert "'lead' left out: an id" in said(table) and "'lead_number' left out" in said(table)


def test_text_with_many_levels_keeps_the_frequent_ones():
    names = np.where(RNG.random(N) < 0.3, "common", [f"n{n % 350}" for n in range(N)])
    table = prepare(leads(company=names), "won", "", NOW)
    assert table.X["company"].nunique() == 200 and "levels" in said(table)
    assert (table.X["company"] == "common").sum() > 50


def test_dates_as_text_become_age_month_and_weekday():
    days = pd.date_range("2026-01-01", periods=N, freq="6h").strftime("%d/%m/%Y %H:%M")
    table = prepare(leads(created=days), "won", "", NOW)
    made = ["created (days before)", "created (month)", "created (weekday)"]
    assert [c for c in table.X if c.startswith("created")] == made
    assert table.X["created (month)"].between(1, 12).all()


def test_empty_and_constant_columns_are_left_out():
    table = prepare(leads(nothing=None, same="x"), "won", "", NOW)
    assert list(table.X) == ["visits"]


def test_repeated_rows_count_once_and_people_stay_together():
    frame = leads(lead_id=range(N), email=[f"p{n % 200}@example.org" for n in range(N)])
    table = prepare(pd.concat([frame, frame.head(10)]), "won", "", NOW)
    assert len(table.y) == N and len(np.unique(table.who)) == 200
    assert "repeat" in said(table) and "kept together" in said(table)


def test_rows_stand_in_order_of_time_and_those_of_the_future_are_left_out():
    days = pd.date_range("2025-06-01", periods=N, freq="D")[::-1]
    table = prepare(leads(at=days), "won", "at", NOW)
    assert table.when is not None and (np.diff(table.when) > 0).all()
    assert table.when.max() <= NOW.timestamp() and "in the future" in said(table)


def test_a_time_that_is_no_time_is_refused():
    with pytest.raises(InvalidInput, match="neither dates nor numbers"):
        prepare(leads(kind=RNG.choice(["a", "b"], N)), "won", "kind", NOW)
