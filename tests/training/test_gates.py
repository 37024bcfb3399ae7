from training.bootstrap import Estimate
from training.gates import decide, untested

SCORE = Estimate(0.7, 0.65, 0.75)


def test_a_model_passes_when_its_gain_is_above_0_for_every_baseline() -> None:
    gate = decide(
        "auc", SCORE, {"recency": Estimate(0.1, 0.02, 0.2), "mean": Estimate(0.2, 0.1, 0.3)}
    )
    assert gate.passed
    assert gate.reason == (
        "auc 0.7 [0.65, 0.75] beats 'recency', the nearest baseline, by 0.1 [0.02, 0.2]"
    )


def test_one_baseline_that_is_not_beaten_closes_the_gate() -> None:
    gate = decide(
        "auc", SCORE, {"recency": Estimate(0.1, 0.02, 0.2), "mean": Estimate(-0.1, -0.2, 0)}
    )
    assert not gate.passed
    assert "does not beat the baseline 'mean'" in gate.reason


def test_a_gain_that_may_be_chance_closes_the_gate_and_says_so() -> None:
    gate = decide("auc", SCORE, {"recency": Estimate(0.01, -0.01, 0.03)})
    assert not gate.passed
    assert "may be chance" in gate.reason


def test_what_cannot_be_tested_passes_with_the_reason() -> None:
    assert untested("no history").passed
    assert untested("no history").reason == "not tested: no history"
