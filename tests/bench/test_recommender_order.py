"""Rows that know the order: the sequence model is trained once, before the validation acts."""

import numpy as np
import pytest
from recommender_data import hold_out
from recommender_order import (
    BlendRow,
    OrderOptions,
    SequenceRow,
    Shelf,
    evaluated,
    on_catalogue,
)

from models.interactions import Interactions


@pytest.fixture(scope="module")
def train():
    """60 users who walk a ring of 12 items, and one item that only the last act of one knows."""
    ring = [f"i{at:02d}" for at in range(12)]
    rows = [(f"u{u:02d}", ring[(u + step) % 12]) for u in range(60) for step in range(8)]
    rows[-1] = (rows[-1][0], "a")
    users, items = zip(*rows, strict=True)
    return Interactions.from_ids(users, items, times=np.arange(len(rows)))


@pytest.fixture(scope="module")
def cut(train):
    return hold_out(train, np.arange(len(train)) % 8 == 7)


def options(folder=None):
    return OrderOptions(
        0, 1, "ndcg@10", epochs=2, minutes=None, length=8, dropout=0.0, shelf=Shelf(folder)
    )


def test_a_cut_on_the_wider_catalogue_is_the_same_cut(train, cut):
    wide = on_catalogue(cut, train.item_ids)
    assert len(wide.train.item_ids) == len(cut.train.item_ids) + 1
    assert dict(wide.train.histories()) == dict(cut.train.histories())
    names = [train.item_ids[row.indices].tolist() for row in wide.targets]
    assert names == [cut.train.item_ids[row.indices].tolist() for row in cut.targets]


def test_scores_that_know_the_answer_are_perfect_where_there_is_one(train, cut):
    wide = on_catalogue(cut, train.item_ids)
    quality = evaluated(wide.targets.toarray(), wide)
    assert quality.by_user["recall@10"].tolist() == [1.0] * 59 + [0.0]  # nobody had "a" before


@pytest.fixture(scope="module")
def few(train):
    """A cut that holds back the last act of one user in twenty."""
    at = np.arange(len(train))
    return hold_out(train, (at % 8 == 7) & (at // 8 % 20 == 0))


def test_rows_share_one_training_and_a_later_run_takes_it_up(train, few, tmp_path):
    first, second = options(tmp_path), options(tmp_path)
    alone = SequenceRow(first)
    alone.fit(train, few)
    again = SequenceRow(second)
    again.fit(train, few)
    assert again.seconds == alone.seconds > 0
    assert alone.spared_seconds < 0.1 * alone.seconds < again.spared_seconds <= again.seconds
    assert len([path for path in tmp_path.iterdir() if path.is_dir()]) == 1
    blend = BlendRow(second, sequence=True)
    blend.fit(train, few)
    assert blend.model.members_["sequence"] is again.model
    asked = few.users, few.histories
    np.testing.assert_array_equal(again.scores(*asked), alone.scores(*asked))


def test_the_blend_says_its_weights_and_how_good_they_were(train, cut):
    row = BlendRow(options(), sequence=False)
    row.fit(train, cut)
    assert "linear" in row.chosen and "transitions" in row.chosen and "on validation" in row.chosen
    assert row.scores(cut.users, cut.histories).shape == (60, 13)
