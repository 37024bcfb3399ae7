import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Conflict, InvalidInput, NotEnoughData
from models.calibration import IdentityCalibrator, IsotonicCalibrator, PlattCalibrator
from models.calibrator_choice import choose_calibrator, stratified_folds
from models.manifest import load_model

ALL = (IdentityCalibrator, PlattCalibrator, IsotonicCalibrator)


def distorted(rows, seed=0):
    """Scores that are far too sure of themselves, with outcomes of the true probability."""
    rng = np.random.default_rng(seed)
    true = rng.beta(1.5, 4, rows)
    odds = (true / (1 - true)) ** 3
    return odds / (1 + odds), (rng.random(rows) < true).astype(float)


def brier(p, y):
    return np.mean((p - y) ** 2)


@pytest.mark.parametrize("make", [PlattCalibrator, IsotonicCalibrator])
def test_distorted_probabilities_get_better(make):
    p, y = distorted(4000)
    later_p, later_y = distorted(4000, seed=1)
    calibrated = make().fit(p, y).calibrate(later_p)
    assert brier(calibrated, later_y) < brier(later_p, later_y) - 0.01
    assert calibrated.mean() == pytest.approx(later_y.mean(), abs=0.02)


@pytest.mark.parametrize("make", ALL)
def test_save_then_load_changes_nothing(make, tmp_path):
    p, y = distorted(300)
    fitted = make().fit(p, y)
    fitted.save(tmp_path / "calibrator")
    for again in (load_model(tmp_path / "calibrator"), make.load(tmp_path / "calibrator")):
        np.testing.assert_array_equal(again.calibrate(p), fitted.calibrate(p))


@pytest.mark.parametrize("make", ALL)
@given(seed=st.integers(0, 1000), rows=st.integers(4, 60), wild=st.floats(-2, 3))
@settings(max_examples=settings.default.max_examples // 4)
def test_order_is_kept_and_results_are_probabilities(make, seed, rows, wild):
    rng = np.random.default_rng(seed)
    p, y = rng.random(rows), rng.integers(0, 2, rows)
    y[:2] = 0, 1
    grid = np.sort(np.append(rng.random(50), [0, 1, wild]))
    calibrated = make().fit(p, y).calibrate(grid)
    assert (np.diff(calibrated) >= -1e-12).all()
    assert np.isfinite(calibrated).all() and (calibrated >= 0).all() and (calibrated <= 1).all()


def test_isotonic_never_claims_certainty():
    p = np.linspace(0, 1, 50)
    calibrated = IsotonicCalibrator().fit(p, (p > 0.5).astype(float)).calibrate(p)
    assert calibrated.min() == pytest.approx(1 / 52) and calibrated.max() == pytest.approx(51 / 52)


def test_weights_count_as_repeated_rows():
    p, y = distorted(80)
    twice = PlattCalibrator().fit(np.tile(p, 2), np.tile(y, 2), sample_weight=np.full(160, 0.5))
    once = PlattCalibrator().fit(p, y)
    np.testing.assert_allclose(twice.calibrate(p), once.calibrate(p), atol=1e-6)


def test_the_choice_says_why():
    choice = choose_calibrator(*distorted(400))
    assert choice.calibrator.KIND == "platt"
    assert "isotonic left out, 400 rows" in choice.reason
    assert set(choice.log_loss) == {"identity", "platt"}


def test_isotonic_is_chosen_for_a_bend_that_platt_cannot_follow():
    rng = np.random.default_rng(0)
    p = rng.random(6000)
    y = (rng.random(6000) < np.where(p < 0.5, 0.1, np.where(p < 0.9, 0.5, 0.55))).astype(float)
    assert choose_calibrator(p, y).calibrator.KIND == "isotonic"


def test_what_is_calibrated_already_is_left_alone_or_hardly_changed():
    rng = np.random.default_rng(2)
    p = rng.random(5000)
    choice = choose_calibrator(p, (rng.random(5000) < p).astype(float))
    np.testing.assert_allclose(choice.calibrator.calibrate(p), p, atol=0.03)


def test_one_case_of_the_rarer_outcome_is_too_few_to_learn():
    y = np.array([0.0] * 20 + [1.0])
    choice = choose_calibrator(np.linspace(0, 1, 21), y)
    assert choice.calibrator.KIND == "identity" and "too few" in choice.reason


def test_folds_share_out_each_outcome():
    y = np.array([1.0] * 10 + [0.0] * 95)
    fold = stratified_folds(y, 5, np.random.default_rng(0))
    assert [int(y[fold == part].sum()) for part in range(5)] == [2] * 5


def test_what_cannot_be_calibrated_is_refused():
    with pytest.raises(NotEnoughData, match="both outcomes"):
        PlattCalibrator().fit(np.array([0.1, 0.2]), np.array([0, 0]))
    with pytest.raises(InvalidInput, match="outcomes 0 or 1"):
        IsotonicCalibrator().fit(np.array([0.1, np.nan]), np.array([0, 1]))
    with pytest.raises(InvalidInput, match="one of each per row"):
        IdentityCalibrator().fit(np.array([0.1]), np.array([0, 1]))
    with pytest.raises(Conflict):
        PlattCalibrator().calibrate(np.array([0.5]))
