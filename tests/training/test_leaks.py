"""Columns that know the outcome are found and named; honest ones are not."""

import numpy as np
import pandas as pd

from training.leaks import find_leaks

RNG = np.random.default_rng(5)
N = 2_000
Y = (RNG.random(N) < 0.3).astype(float)
HONEST = pd.DataFrame(
    {
        "visits": RNG.poisson(2 + Y),
        "channel": RNG.choice(["web", "shop"], N),
        "score": RNG.normal(Y, 2.0),  # a telling name alone is no proof
    }
)


def sure(X):
    return {leak.column for leak in find_leaks(X, Y) if leak.sure}


def test_honest_columns_stay():
    assert sure(HONEST) == set()


def test_a_copy_of_the_outcome_with_some_noise_is_named():
    copy = np.where(RNG.random(N) < 0.02, 1 - Y, Y)
    assert sure(HONEST.assign(paid=copy)) == {"paid"}


def test_a_date_that_only_the_converted_have_is_named():
    closed = pd.Series(np.where(Y > 0, "2026-01-02", None))
    assert sure(HONEST.assign(closed_on=closed)) == {"closed_on"}


def test_what_the_same_hand_filled_in_goes_with_it():
    rated = RNG.random(N) < 0.4
    quality = pd.Series(RNG.normal(Y * 2, 1.0)).where(rated)
    initials = pd.Series(RNG.choice(["ab", "cd"], N)).where(rated)
    found = sure(HONEST.assign(lead_quality=quality, rated_by=initials))
    assert found == {"lead_quality", "rated_by"}


def test_levels_that_are_certain_both_ways_are_named():
    level = np.where(RNG.random(N) < 0.5, "open", np.where(Y > 0, "thanks", "busy tone"))
    assert sure(HONEST.assign(call=level)) == {"call"}


def test_the_latest_of_something_is_named_and_stays():
    last = np.where(RNG.random(N) < 0.3 + 0.4 * Y, "mail opened", "page seen")
    found = find_leaks(HONEST.assign(last_activity=last), Y)
    assert [(leak.column, leak.sure) for leak in found] == [("last_activity", False)]
