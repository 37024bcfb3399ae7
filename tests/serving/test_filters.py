from pathlib import Path

import numpy as np
import pytest
from little_shop import ITEMS, write_items

from domain.errors import InvalidInput
from serving.filters import MAX_KEPT, mask_of
from serving.items import read_items


@pytest.fixture(scope="module")
def items(tmp_path_factory):
    folder = Path(tmp_path_factory.mktemp("items"))
    write_items(folder)
    return read_items(folder / "items.parquet")


@pytest.mark.parametrize(
    ("plain", "passes"),
    [
        ({}, lambda i: True),
        ({"category": "mugs"}, lambda i: "mug" in ITEMS[i]),
        ({"category": "spoons"}, lambda i: False),
        ({"category": ["mugs", "spoons"]}, lambda i: "mug" in ITEMS[i]),
        ({"price": {"<=": 7}}, lambda i: i <= 2),
        ({"price": {">": 6, "<": 9}}, lambda i: i in (2, 3)),
        ({"price": 6}, lambda i: i == 1),
        ({"price": [5, 6.0]}, lambda i: i in (0, 1)),
        ({"category": "mugs", "price": {">=": 9}}, lambda i: "mug" in ITEMS[i] and i >= 4),
        ({"not": {"category": "mugs"}}, lambda i: "mug" not in ITEMS[i]),
        ({"brand": "Potters"}, lambda i: i % 2 == 1),
        ({"brand": {"!=": "Potters"}}, lambda i: False),
        ({"not": {"brand": "Potters"}}, lambda i: i % 2 == 0),
        ({"brand": {"notIn": ["Others"]}}, lambda i: i % 2 == 1),
        ({"in_stock": False}, lambda i: "gone" in ITEMS[i]),
        ({"colour": {"in": ["red"]}}, lambda i: i % 3 == 0),
        ({"any": [{"item_id": "mug-0"}, {"price": 6}]}, lambda i: i in (0, 1)),
    ],
)
def test_a_filter_passes_exactly_what_it_says(items, plain, passes):
    assert mask_of(plain, items).tolist() == [passes(i) for i in range(len(ITEMS))]


@pytest.mark.parametrize(
    ("plain", "field", "says"),
    [
        ({"categori": "mugs"}, "filter.categori", "did you mean 'category'"),
        ({"xyz": "mugs"}, "filter.xyz", "known: brand"),
        ({"price": "cheap"}, "filter.price", "must be a finite number"),
        ({"price": True}, "filter.price", "must be a finite number"),
        ({"price": {"<": None}}, "filter.price", "must be a finite number"),
        ({"price": {"~": 5}}, "filter.price", "unknown operator '~'"),
        ({"price": {}}, "filter.price", "needs a comparison"),
        ({"category": {"<": "m"}}, "filter.category", "needs a number"),
        ({"category": 5}, "filter.category", "must be a text"),
        ({"brand": []}, "filter.brand", "1 to 1000 values"),
        ({"in_stock": "yes"}, "filter.in_stock", "true or false"),
        ({"not": "mugs"}, "filter.not", "must be an object"),
        ({"any": []}, "filter.any", "at least one filter"),
        ({"not": {"not": {"not": {"not": {"not": {}}}}}}, "filter.not.not.not.not.not", "nested"),
    ],
)
def test_a_wrong_filter_says_where_and_why(items, plain, field, says):
    with pytest.raises(InvalidInput, match=says) as fault:
        mask_of(plain, items)
    assert fault.value.field == field


def test_a_mask_of_no_filter_is_all_items(items):
    assert np.all(mask_of({}, items))


def test_a_kept_mask_is_that_of_its_own_filter_and_nobody_can_change_it(items):
    cheap, dear = mask_of({"price": {"<=": 6}}, items), mask_of({"price": {">": 6}}, items)
    assert not np.logical_and(cheap, dear).any()
    assert mask_of({"price": {"<=": 6}}, items) is cheap
    with pytest.raises(ValueError, match="read-only"):
        cheap[0] = False
    with pytest.raises(InvalidInput):  # true is not 1, though a dict would take them for one key
        mask_of({"price": True}, items)
    for price in range(3 * MAX_KEPT):
        assert mask_of({"price": {"<=": price}}, items).sum() == np.sum(
            items.columns["price"].values <= price
        )
        assert len(items.masks) <= MAX_KEPT
