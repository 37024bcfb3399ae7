import numpy as np
import pytest

from domain.errors import InvalidInput
from models.facts import ItemFacts, words_of

SHELF = ItemFacts.of(["Green tea", "Mug"], brands=[None, "Kiln"], prices=[4.5, None])


def test_what_is_unknown_is_empty_text_or_no_number():
    assert SHELF.categories.tolist() == ["", ""] and SHELF.brands.tolist() == ["", "Kiln"]
    np.testing.assert_array_equal(SHELF.prices, [4.5, np.nan])


def test_taking_rows_keeps_what_belongs_together():
    turned = SHELF.take(np.array([1, 0, 1]))
    assert turned.titles.tolist() == ["Mug", "Green tea", "Mug"] and len(turned) == 3
    assert turned.brands.tolist() == ["Kiln", "", "Kiln"]


def test_columns_of_other_lengths_are_refused():
    with pytest.raises(InvalidInput, match="'brands': 1"):
        ItemFacts.of(["Green tea", "Mug"], brands=["Kiln"])


def test_attributes_in_words():
    given = {"colour": "red", "giftable": True, "size": 42, "of": ["wool", {"deep": 1}], "no": None}
    assert words_of(given) == "red giftable_true size_42 wool"
