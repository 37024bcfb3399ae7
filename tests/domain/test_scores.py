"""A record as columns of a table: every field has its place, also where there is no score."""

from datetime import UTC, datetime

from domain.scores import Factor, Score, field_names, flat_record

RECORD = Score(
    model="churn", unit="probability", value=0.34, low=0.28, high=0.41, percentile=83, tier="A",
    factors=(Factor("recency_days", "no order for 61 days", 0.4), Factor("x", "3 visits", -0.12)),
    model_version="3", scored_at=datetime(2026, 3, 1, tzinfo=UTC), reliability="low",
    reliability_reason="few", tier_expected=0.45,
).to_plain()  # fmt: skip


def test_every_field_of_a_record_has_a_column() -> None:
    flat = flat_record("churn", RECORD)
    assert tuple(flat) == field_names("churn")
    assert flat == {
        "churn": 0.34, "churn_unit": "probability", "churn_low": 0.28, "churn_high": 0.41,
        "churn_percentile": 83, "churn_tier": "A", "churn_tier_expected": 0.45,
        "churn_factors": "no order for 61 days (+0.4); 3 visits (-0.12)",
        "churn_model_version": "3", "churn_scored_at": "2026-03-01T00:00:00+00:00",
        "churn_reliability": "low", "churn_reliability_reason": "few",
    }  # fmt: skip
    fields = {name.removeprefix("churn_") for name in flat} | {"interval", "probability"}
    assert set(RECORD) <= fields


def test_without_a_record_the_columns_are_empty() -> None:
    assert flat_record("clv_90", None) == dict.fromkeys(field_names("clv_90"))
    old = flat_record("clv_90", {"amount": 3.0, "interval": None})  # before there were factors
    assert (old["clv_90"], old["clv_90_low"], old["clv_90_factors"]) == (3.0, None, None)
