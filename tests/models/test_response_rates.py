import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.errors import InvalidInput, NotFound
from models.response_rates import ActionTally, ResponseRates, Tally


def tallies():
    shown = st.integers(0, 10_000)
    return shown.flatmap(lambda n: st.builds(Tally, st.just(n), st.integers(0, n)))


def rates(overall, **strata):
    return ResponseRates({"coupon": ActionTally(overall, strata)}, prior=0.1, strength=10)


def test_counts_by_hand():
    found = rates(Tally(90, 29), loyal=Tally(10, 5))
    assert found.rate("coupon") == pytest.approx((29 + 10 * 0.1) / (90 + 10))
    assert found.rate("coupon", "loyal") == pytest.approx((5 + 10 * 0.3) / (10 + 10))


@given(overall=tallies(), stratum=tallies())
def test_a_rate_lies_between_what_was_seen_and_the_level_above(overall, stratum):
    found = rates(overall, loyal=stratum)
    for seen, above, rate in (
        (overall, 0.1, found.rate("coupon")),
        (stratum, found.rate("coupon"), found.rate("coupon", "loyal")),
    ):
        observed = seen.accepted / seen.shown if seen.shown else above
        assert min(observed, above) - 1e-12 <= rate <= max(observed, above) + 1e-12
        assert 0 < rate < 1


@given(overall=tallies(), level=st.floats(0.05, 0.99))
def test_an_interval_is_ordered_and_within_probabilities(overall, level):
    low, high = rates(overall).interval("coupon", level=level)
    assert 0 <= low <= high <= 1


def test_more_evidence_narrows_the_interval():
    few, many = rates(Tally(10, 2)), rates(Tally(1000, 200))
    widths = [high - low for low, high in (few.interval("coupon"), many.interval("coupon"))]
    assert widths[1] < widths[0] / 3


def test_what_was_never_shown_gets_the_level_above():
    found = rates(Tally(90, 29))
    assert found.rate("unheard of") == pytest.approx(0.1)
    assert found.rate("coupon", "unheard of") == pytest.approx(found.rate("coupon"))


def test_showings_are_counted_over_all_and_by_stratum():
    found = ResponseRates.count(
        [("coupon", "new", True), ("coupon", "new", False), ("coupon", None, True)]
    )
    assert found.tally("coupon") == Tally(3, 2)
    assert found.tally("coupon", "new") == Tally(2, 1)


def test_the_file_has_the_shape_of_a_release(tmp_path):
    found = rates(Tally(90, 29), loyal=Tally(10, 5))
    found.save(tmp_path / "responses.json")
    assert json.loads((tmp_path / "responses.json").read_text()) == {
        "coupon": {
            "overall": {"shown": 90, "accepted": 29},
            "strata": {"loyal": {"shown": 10, "accepted": 5}},
        }
    }
    again = ResponseRates.load(tmp_path / "responses.json", prior=0.1, strength=10)
    assert again.tallies == found.tallies
    assert again.rate("coupon", "loyal") == found.rate("coupon", "loyal")


def test_faults_are_named(tmp_path):
    with pytest.raises(InvalidInput, match="accepted 3 of 2"):
        Tally(2, 3)
    with pytest.raises(InvalidInput, match="prior"):
        ResponseRates({}, prior=0)
    with pytest.raises(InvalidInput, match="no probability"):
        rates(Tally()).interval("coupon", level=1)
    with pytest.raises(NotFound, match="no response counts"):
        ResponseRates.load(tmp_path / "none.json")
    (tmp_path / "bad.json").write_text('{"coupon": {}}')
    with pytest.raises(InvalidInput, match="holds no response counts"):
        ResponseRates.load(tmp_path / "bad.json")
