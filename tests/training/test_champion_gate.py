import numpy as np
import pytest

from domain.errors import Conflict
from training.answers import Answers
from training.champion_gate import judge
from training.tracking import Champion

RNG = np.random.default_rng(5)
Y = (RNG.random(800) < 0.3).astype(float)
WHO = np.array([f"c{n}" for n in range(800)])
GOOD, WORSE = Y + RNG.normal(0, 0.6, 800), Y + RNG.normal(0, 2.0, 800)
SPRING, SUMMER = {"data.last_at": "2025-04-01"}, {"data.last_at": "2025-07-01"}


def answers(score, y=Y, who=WHO, about="churn 30"):
    return Answers.of_scores("probability", y, who, score, about)


@pytest.fixture
def champion(tmp_path):
    """A champion with good answers of spring."""
    answers(GOOD).save(tmp_path)
    return Champion("churn", "3", "run", tmp_path, {"tested": "true", **SPRING})


def verdict(champion, given, tags=SPRING, retake=None):
    return judge(champion, given, "auc", retake, tags)


def test_the_first_model_needs_no_comparison():
    assert verdict(None, answers(WORSE)).promoted


def test_a_better_model_takes_the_place_with_the_gain_as_reason(champion):
    found = verdict(champion, answers(Y + RNG.normal(0, 0.2, 800)))
    assert found.promoted
    assert found.reason.startswith("it beats the champion, version 3: auc gain 0.")
    assert "on the same 800 customers" in found.reason
    assert found.tags["compared.version"] == "3" and float(found.tags["compared.gain_low"]) > 0


def test_a_worse_model_does_not(champion):
    found = verdict(champion, answers(WORSE))
    assert not found.promoted and found.reason.startswith("it is worse than the champion")


def test_a_difference_that_may_be_chance_does_not(champion):
    found = verdict(champion, answers(GOOD + RNG.normal(0, 0.05, 800)))
    assert not found.promoted and "does not clearly beat the champion" in found.reason


def test_newer_data_of_the_same_shop_are_enough_where_it_is_no_worse(champion):
    later = "churn 30, summer"
    retake = lambda _: answers(GOOD, about=later)  # noqa: E731
    alike = answers(GOOD + RNG.normal(0, 0.05, 800), about=later)
    assert verdict(champion, alike, SUMMER, retake).promoted
    assert not verdict(champion, answers(WORSE, about=later), SUMMER, retake).promoted
    assert not verdict(champion, alike, SPRING, retake).promoted


def test_other_data_are_refused_with_the_cure(champion):
    def other_shop(_):
        raise Conflict("it was tested on other data")

    best = answers(Y, about="another shop")
    found = verdict(champion, best, SUMMER, other_shop)
    assert not found.promoted
    assert found.reason == "it was tested on other data; version 3 stays the champion"
    assert "--other-data" in verdict(champion, best, SUMMER).reason


def test_another_question_under_the_same_name_is_refused(champion):
    found = verdict(champion, answers(Y), {**SPRING, "label": "opens an e-mail"})
    assert not found.promoted and "answers another question than version 3" in found.reason


def test_a_column_that_knows_the_outcome_is_refused_also_where_it_was_kept_on_purpose(champion):
    found = verdict(champion, answers(Y), {**SPRING, "leaks": "invoice"})
    assert not found.promoted and "invoice, which seems to know the outcome" in found.reason


def test_an_untested_model_never_replaces_a_tested_one_but_an_untested_one(champion):
    found = verdict(champion, None)
    assert not found.promoted and found.reason == "the tested version 3 stays the champion"
    champion.tags["tested"] = "false"
    assert verdict(champion, None).promoted and verdict(champion, answers(WORSE)).promoted


def test_answers_are_read_as_they_were_written_and_name_nobody(tmp_path):
    kept = answers(GOOD)
    kept.save(tmp_path)
    read = Answers.load(tmp_path)
    assert read.fingerprint == kept.fingerprint and read.of("auc") == kept.of("auc")
    with np.load(tmp_path / "answers.npz") as arrays:
        assert not any("c1" in str(arrays[name]) for name in ("unit", "fingerprint", "group"))


def test_other_customers_outcomes_or_questions_are_other_rows():
    one = answers(GOOD).fingerprint
    assert one == answers(WORSE).fingerprint
    assert one != answers(GOOD, who=WHO[::-1]).fingerprint
    assert one != answers(GOOD, y=1 - Y).fingerprint
    assert one != answers(GOOD, about="churn 60").fingerprint
