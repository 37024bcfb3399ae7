from decimal import Decimal

import numpy as np
import pandas as pd
import pytest

from domain.errors import InvalidInput
from models.encoder import FrameEncoder


def encode(train, later=None, **settings):
    encoder = FrameEncoder(**settings).fit(pd.DataFrame(train))
    return encoder.encode(pd.DataFrame(train if later is None else later))


def test_numbers_flags_and_gaps_become_floats():
    X = {"n": pd.array([1, None], "Int64"), "b": [True, False], "d": [Decimal("2.5"), None]}
    np.testing.assert_array_equal(encode(X), [[1, 1, 2.5], [np.nan, 0, np.nan]])


def test_infinite_counts_as_missing():
    assert np.isnan(encode({"n": [1.0, np.inf]})[1, 0])


def test_levels_keep_their_codes_whatever_the_rows():
    codes = encode({"c": ["b", "a", None]}, {"c": ["a", "zzz", None, "b"]})[:, 0]
    np.testing.assert_array_equal(codes, [0, np.nan, np.nan, 1])


def test_a_level_of_whole_numbers_survives_a_gap():
    train = {"c": pd.Categorical([3, 4, 3])}
    codes = encode(train, {"c": pd.Series([3.0, np.nan])})[:, 0]
    np.testing.assert_array_equal(codes, [0, np.nan])


def test_rare_levels_beyond_the_limit_count_as_missing():
    codes = encode({"c": ["a", "a", "b", "b", "c"]}, max_levels=2)[:, 0]
    np.testing.assert_array_equal(codes, [0, 0, 1, 1, np.nan])


def test_a_column_without_any_value_is_a_number():
    assert np.isnan(encode({"c": [None, None]})).all()


def test_a_round_trip_through_plain_values_changes_nothing():
    X = pd.DataFrame({"c": ["x", "y"], "n": [1, 2]})
    encoder = FrameEncoder().fit(X)
    again = FrameEncoder.from_plain(encoder.to_plain())
    np.testing.assert_array_equal(again.encode(X), encoder.encode(X))


def test_what_cannot_be_encoded_is_named():
    with pytest.raises(InvalidInput, match="'at' is a point in time"):
        FrameEncoder().fit(pd.DataFrame({"at": pd.to_datetime(["2024-01-01"])}))
    with pytest.raises(InvalidInput, match="'n' was a number in training"):
        encode({"n": [1, 2]}, {"n": ["many", "few"]})
    with pytest.raises(InvalidInput, match="missing 'n', 'm'"):
        encode({"n": [1], "m": [1]}, {"other": [1]})
    with pytest.raises(InvalidInput, match="same name"):
        FrameEncoder().fit(pd.DataFrame([[1, 2]], columns=["a", "a"]))
    with pytest.raises(InvalidInput, match="at least one column"):
        FrameEncoder().fit(pd.DataFrame(index=[1, 2]))
