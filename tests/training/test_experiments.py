"""From an idea to a champion and back: a worse model, a leak or other data never take the place."""

import shutil
import sys
from dataclasses import replace
from datetime import timedelta
from itertools import pairwise

import pytest
from town import END, NOW, fill, lively
from watched_service import Service

import nextbest
from domain.errors import Conflict, InvalidInput, NotFound
from domain.settings import Settings
from feature_repo.store import Features
from models.baselines import MeanScorer
from training.comparing import compare
from training.parts import by_column, trees
from training.promotion import promote, rollback
from training.recipes import lead_score
from training.release import release
from training.reproduction import reproduce
from training.rolling import roll
from training.run import train
from training.tracking import Tracker

pytestmark = pytest.mark.slow
NAME, VISITOR = "lead_score", "d3"  # who never ordered
GOOD = replace(
    lead_score.RECIPE,
    candidates={"trees": trees(leaves=15)},
    baselines={"everybody alike": lambda _: MeanScorer()},
)
WEAK = replace(GOOD, candidates={"points": by_column("lead_points")})
PEOPLE, LATER = 1200, 224


def trained(settings, recipe):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lead_score, "RECIPE", recipe)
        (outcome,) = train(NAME, settings, at=NOW)
    return outcome


@pytest.fixture(scope="module")
def shop(bare, tmp_path_factory):
    """A shop whose weak first model was followed by a good one, and then by a weak one again."""
    home = tmp_path_factory.mktemp("shop") / "home"
    shutil.copytree(bare, home)
    settings = Settings(home=home, threads=1)
    fill(home, [e for e in lively(PEOPLE, days=LATER) if e.at < END])
    outcomes = [trained(settings, recipe) for recipe in (WEAK, GOOD, WEAK)]
    return settings, outcomes


def champion(settings):
    return Tracker.open(settings.home).champion(NAME)


def moved(act, settings, *args, **named):
    return act(NAME, *args, settings, as_of=lambda: END, at=NOW, **named)


def test_a_better_model_takes_the_place_and_a_worse_one_does_not(shop):
    _, (weak, good, again) = shop
    assert weak.released and good.released and not again.released
    assert "it beats the champion, version 1: average_precision gain" in good.reason
    assert "it is worse than the champion, version 2" in again.reason
    assert again.version == "3"
    assert again.reason in (again.folder / "card.md").read_text()


def test_two_runs_are_compared_on_the_same_customers_and_in_their_lineage(shop):
    settings, (weak, good, again) = shop
    tracker = Tracker.open(settings.home)
    found = compare(tracker, weak.run_id[:8], f"{NAME}/2")
    by_name = {one.metric: one for one in found.metrics}
    assert by_name["average_precision"].better == "second"
    assert by_name["average_precision"].second == good.metrics["average_precision"].value
    assert set(found.lineage) == {"candidate"}
    alike = compare(tracker, weak.run_id, again.run_id)
    assert not alike.lineage and all(one.gain.value == 0 for one in alike.metrics)


def test_a_column_that_knows_what_came_later_keeps_a_model_out(shop, make_copy, monkeypatch):
    settings = make_copy(shop[0])
    honest = Features.training_frame

    def leaking(self, entities, service):
        frame = honest(self, entities, service)
        return frame.assign(session_event_count=frame["orders"]) if "orders" in frame else frame

    monkeypatch.setattr(Features, "training_frame", leaking)
    outcome = trained(settings, GOOD)
    assert not outcome.released and outcome.version is None
    assert (
        "leak: 'session_event_count' changes when the events after the cut-off are"
        in outcome.reason
    )
    assert champion(settings).version == "2"


def test_a_model_of_another_shop_does_not_take_the_place(shop, make_home):
    settings = make_home()
    shutil.copyfile(shop[0].home / "mlflow.db", settings.home / "mlflow.db")
    fill(settings.home, lively(PEOPLE, seed=2))
    outcome = trained(settings, GOOD)
    assert not outcome.released
    assert "it was tested on other data than version 2: of the events of" in outcome.reason
    assert "NEXTBEST_HOME" in outcome.reason
    with pytest.raises(Conflict, match=r"not tested on the same rows.*--other-data"):
        moved(promote, settings, outcome.version, "a try")
    done = moved(promote, settings, outcome.version, "the shop was replaced", other_data=True)
    assert champion(settings).version == outcome.version == done.version


def test_newer_days_of_the_same_shop_renew_a_champion_that_is_no_better(shop, make_copy):
    settings = make_copy(shop[0])
    moved(rollback, settings, "")
    assert not trained(settings, WEAK).released
    fill(settings.home, [e for e in lively(PEOPLE, days=LATER) if e.at >= END])
    outcome = trained(settings, WEAK)
    assert outcome.released, outcome.reason
    assert "it learned from newer data than version 1 and is no worse by 3%" in outcome.reason


def test_a_champion_is_promoted_with_a_reason_and_rolled_back(shop, make_copy):
    settings = make_copy(shop[0])
    back = moved(rollback, settings, "it scored the staff")
    assert (back.before, back.version, back.release) == ("2", "1", None)
    tags = champion(settings).tags
    assert tags["champion.reason"] == "rolled back from version 2: it scored the staff"
    assert "it scored the staff" in (champion(settings).folder / "card.md").read_text()
    moved(promote, settings, "2", "the staff is out")
    assert champion(settings).tags["champion.before"] == "1"
    assert moved(rollback, settings, "").version == "1"


def test_what_cannot_be_done_is_said_with_the_cure(shop, make_copy):
    settings = make_copy(shop[0])
    for version, error, words in (
        ("3", Conflict, "version 3 of lead_score is worse than the champion, version 2"),
        ("2", Conflict, "the champion already"),
        ("9", NotFound, "no version '9'; known: 1, 2, 3"),
    ):
        with pytest.raises(error, match=words):
            moved(promote, settings, version, "a try")
    with pytest.raises(InvalidInput, match="--reason TEXT"):
        moved(promote, settings, "1", " ")
    with pytest.raises(NotFound, match="no model 'luck' is registered"):
        rollback("luck", "", settings, as_of=lambda: END, at=NOW)
    moved(rollback, settings, "")
    with pytest.raises(NotFound, match="no champion before: version 1 is its first"):
        moved(rollback, settings, "")
    with pytest.raises(NotFound, match="no run 'ffffffff'; give an id"):
        compare(Tracker.open(settings.home), "ffffffff", f"{NAME}/1")


def test_a_run_gives_the_same_numbers_again_also_when_newer_days_came_in(shop, make_copy):
    settings, (_, good, _) = make_copy(shop[0]), shop[1]
    fill(settings.home, [e for e in lively(PEOPLE, days=LATER) if e.at >= END])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lead_score, "RECIPE", GOOD)
        found = reproduce(f"{NAME}/2", replace(settings, seed=9), NOW)
    assert found.same and found.furthest == 0 and not found.lineage
    assert found.again["auc"] == good.metrics["auc"].value
    assert f"run {good.run_id[:8]} of lead_score gives the same numbers" in found.summary()


def test_a_run_of_other_events_says_that_the_data_are_others(shop, make_copy):
    settings = make_copy(shop[0])
    fill(settings.home, [replace(e, message_id=f"x{e.message_id}") for e in lively(200, seed=8)])
    found = reproduce(f"{NAME}/1", settings, NOW)
    assert not found.same and not found.same_rows
    assert {"data fingerprint", "events", "test rows"} <= set(found.lineage)
    assert "gives other numbers; what differs: data fingerprint" in found.summary()


def test_tuning_is_resumed_and_each_trial_is_a_run_inside_one(shop, make_copy):
    settings = make_copy(shop[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lead_score, "RECIPE", GOOD)
        (first,) = train(NAME, settings, at=NOW, tune=2)
        (outcome,) = train(NAME, settings, at=NOW, tune=3)
        runs = Tracker.open(settings.home).runs(NAME)
        found = reproduce(outcome.run_id, settings, NOW)
    trials = [run for run in runs if run.tags.get("purpose") == "trial"]
    (parent,) = [run for run in runs if run.tags.get("purpose") == "tuning"]
    assert len(trials) == 3
    assert {run.tags["mlflow.parentRunId"] for run in trials} == {parent.run_id}
    assert found.same and '"candidate": "trees"' in found.run.params["tuned"]
    assert first.run_id != outcome.run_id


def test_the_last_cutoffs_are_tested_each_as_it_would_have_been_then(shop):
    settings = shop[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lead_score, "RECIPE", GOOD)
        (rolled,) = roll(NAME, 3, settings, at=NOW)
    ends = [end for end, _ in rolled.tests]
    assert [a - b for a, b in pairwise(ends)] == [timedelta(days=30)]
    assert "a model needs 100" in rolled.short[0]  # the third lies too near the start
    newest = rolled.tests[0][1]
    assert newest.metrics["auc"].value == shop[1][1].metrics["auc"].value
    values = [one.metrics[rolled.metric].value for _, one in rolled.tests]
    assert rolled.mean.value == pytest.approx(sum(values) / 2)
    assert rolled.mean.low < rolled.mean.value < rolled.mean.high
    assert len(list(rolled.to_rows())) == 4
    assert champion(settings).version == "2"


@pytest.fixture
def service(shop, make_copy):
    settings = make_copy(shop[0])
    release(settings, END, at=NOW)
    service = Service(settings, VISITOR, NAME)
    yield service
    service.end()


def test_the_service_follows_rollback_and_promotion_without_a_failed_request(service):
    good = service.follows("2")
    said = service.run("rollback", NAME, "--reason", "it scored the staff").stdout
    assert "lead_score version 1 is the champion, version 2 before" in said
    weak = service.follows("1")
    service.run("promote", NAME, "2", "--reason", "the staff is out")
    assert service.follows("2") == good != weak
    assert not service.failures and len(service.answers) > 20


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        ("compare lead_score/1 lead_score/2", 0, "second"),
        ("compare lead_score/1 nothing", 2, "error no run 'nothing'; give an id that"),
        ("reproduce lead_score/9", 2, "error lead_score has no version '9'; known: 1, 2, 3"),
        ("promote lead_score 3", 2, "error say why with --reason TEXT"),
        ("promote lead_score 3 --reason so", 2, "a worse model does not replace it"),
        ("rollback luck", 2, "error no model 'luck' is registered; known: lead_score"),
        ("train --tune 3", 2, "error name the recipes"),
        ("train luck --rolling 2", 2, "error no recipe 'luck'; known: churn"),
        ("train recommend --rolling 2", 2, "error recommend orders items; rolling tests are of"),
    ],
)
def test_commands_say_what_is_wrong_and_end_with_code_2(
    shop, monkeypatch, capfd, words, code, said
):
    monkeypatch.setenv("NEXTBEST_HOME", str(shop[0].home))
    monkeypatch.setenv("COLUMNS", "300")
    monkeypatch.setattr(sys, "argv", ["nextbest", *words.split()])
    with pytest.raises(SystemExit) as ended:
        nextbest.main()
    assert (ended.value.code or 0) == code
    assert said in "".join(capfd.readouterr())
