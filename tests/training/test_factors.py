import numpy as np
import pandas as pd
import pytest

from domain.features import FEATURES
from training.factors import factor_lists, strongest
from training.wording import worded


class Explains:
    features = ("days_since_last_event", "days_since_event", "spend_90d", "country")

    def contributions(self, frame: pd.DataFrame) -> np.ndarray:
        return np.array([[-0.5, -0.2, 0.3, 0.001], [0.0, 0.1, -0.4, 0.5]])


FRAME = pd.DataFrame(
    {
        "days_since_last_event": [41.2, 3.0],
        "days_since_event": [41.2, 3.0],
        "spend_90d": [120.4, 0.0],
        "country": ["NL", None],
    }
)


def test_factors_are_the_strongest_themes_in_words() -> None:
    first, second = factor_lists(Explains(), FRAME)
    assert [(f["text"], f["contribution"]) for f in first] == [
        ("no visit for 41 days", -0.7),  # two features of one theme speak once
        ("spent 120 in the last 90 days", 0.3),
    ]
    assert [f["text"] for f in second] == [
        "country is not known",
        "spent 0 in the last 90 days",
        "last visit 3 days ago",
    ]


def test_one_row_is_explained_as_in_a_batch() -> None:
    contributions = Explains().contributions(FRAME)
    both = strongest(contributions, Explains.features, 3)
    one = strongest(contributions[1:], Explains.features, 3)
    np.testing.assert_array_equal(both.features[1:], one.features)


def test_without_an_explainer_there_are_no_factors() -> None:
    assert factor_lists(None, FRAME) == [[], []]


@pytest.mark.parametrize(
    ("feature", "value", "text"),
    [
        ("recency_days", 41.0, "no order for 41 days"),
        ("recency_days", 0.2, "last order within a day"),
        ("recency_days", None, "no order so far"),
        ("days_since_intent", None, "no step towards an order so far"),
        ("item_view_count", 12.0, "12 items seen so far"),
        ("interest_count_7d", 0.01, "hardly any looks at items lately"),
        ("email_share", 0.25, "25% of events by email"),
        ("tablet_share", 0.5, "50% of events by tablet"),
        (
            "intent_value_7d",
            80.0,
            "80 in steps towards an order lately (it counts half after a week)",
        ),
        ("top_category_2", "Mugs", "category number 2 is Mugs"),
        ("days_since_session_start", 3.0, "last visit 3 days ago"),
        ("cart_abandoned", True, "left a cart in the last 14 days"),
        ("funnel_stage", "Lead", "funnel stage is Lead"),
        ("visit_gap_mean_days", 1.2, "comes every 1 day on average"),
    ],
)
def test_wording(feature: str, value: object, text: str) -> None:
    assert worded(feature, value) == text


def test_every_feature_has_words_for_any_value() -> None:
    examples = {"number": 3.0, "text": "x", "boolean": True}
    for feature in FEATURES:
        assert worded(feature.name, examples[feature.type])
        assert worded(feature.name, None)
