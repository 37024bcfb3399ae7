import json
import re
import sqlite3
from contextlib import closing

import numpy as np
import pandas as pd
import pytest
from town import END, NOW, Town
from traces import traces

from domain.features import FEATURES
from domain.scores import Factor, Score, tier_of
from feature_repo.backends import open_features, open_log
from feature_repo.erasure import erase
from feature_repo.store import Features
from models.manifest import is_recommender, load_model
from models.response_rates import ResponseRates
from training.doctor import released_models
from training.evaluation import evaluate
from training.release import release
from training.scoring import score_all
from training.sheet import Sheet
from training.tracking import Tracker

pytestmark = pytest.mark.slow

SCORES = {"lead_score", "churn", "clv_90", "clv_365"}


def profiles(town: Town) -> pd.DataFrame:
    return pd.read_parquet(town.release / "profiles.parquet").set_index("profile_id")


def test_every_recipe_gives_its_models_and_each_says_why(town: Town) -> None:
    assert set(town.outcomes) == SCORES | {"recommend"}
    for outcome in town.outcomes.values():
        assert outcome.released, outcome.reason
        assert outcome.name in outcome.summary()
        assert set(outcome.to_row()) == set(town.outcomes["churn"].to_row())


def test_models_beat_their_baselines_by_an_interval(town: Town) -> None:
    for name in ("lead_score", "churn", "clv_90", "recommend"):
        outcome = town.outcomes[name]
        assert min(gain.low for gain in outcome.gains.values()) > 0
        assert outcome.metrics[outcome.metric].value > 0.3


def test_the_horizon_of_churn_comes_from_the_gaps_of_the_shop(town: Town) -> None:
    assert town.outcomes["churn"].horizon.startswith("14 days: 90% of ")


def test_a_horizon_beyond_the_history_is_stretched_and_says_so(town: Town) -> None:
    outcome = town.outcomes["clv_365"]
    assert outcome.reliability == "low"
    assert "cannot hold labels of 365 days (393 needed)" in outcome.reliability_reason
    both = profiles(town)[["clv_90", "clv_365"]].dropna()
    growth = both["clv_365"].sum() / both["clv_90"].sum()
    assert 1 < growth < 4.1  # 365 / 90 days at most


def test_no_run_model_or_artefact_names_a_customer(town: Town) -> None:
    """Law 8 leaves MLflow alone, since nobody is in it; factors in npz are of items."""
    home = town.settings.home
    people = set(profiles(town).index)
    with closing(sqlite3.connect(home / "mlflow.db")) as db:
        texts = ["\n".join(db.iterdump())]
    for path in (p for p in (home / "mlruns").rglob("*") if p.is_file()):
        if path.suffix == ".npz":
            with np.load(path, allow_pickle=False) as arrays:
                texts.append(repr([arrays[n].tolist() for n in arrays.files]))
        elif path.suffix not in (".png", ".safetensors"):
            texts.append(re.sub('base64,[^"]*', "", path.read_text(encoding="utf-8")))
    assert len(people) > 1000 and len(texts) > 10
    assert not [words for text in texts if (words := people & set(re.findall(r"[\w-]+", text)))]


def test_mlflow_holds_the_run_with_all_that_is_needed_to_judge_it(town: Town) -> None:
    tracker = Tracker.open(town.settings.home)
    champion = tracker.champion("churn")
    assert champion is not None
    assert champion.version == town.outcomes["churn"].version == "1"
    run = tracker._client.get_run(champion.run_id)
    assert run.data.metrics["auc_low"] <= run.data.metrics["auc"]
    assert run.data.metrics["baseline/recency/auc"] < run.data.metrics["auc"]
    assert run.data.params["feature_service"] == "churn_v1"
    assert len(run.data.tags["data.fingerprint"]) == 16
    plots = {file.name for file in (champion.folder / "plots").iterdir()}
    assert plots == {
        "reliability.png", "gain.png", "lift.png", "effects.png", "importance.png"
    }  # fmt: skip
    assert (champion.folder / "card.html").exists()
    assert Sheet.read(champion.folder).horizon_days == 14


def test_the_card_says_what_for_whom_how_good_and_where_it_ends(town: Town) -> None:
    champion = Tracker.open(town.settings.home).champion("lead_score")
    assert champion is not None
    card = (champion.folder / "card.md").read_text()
    for part in (
        "# lead_score",
        "Will this prospect place a first order within the next 30 days?",
        "no order so far, active in the last 30 days",
        "fingerprint `",
        "tested at 2025-06-29",
        "## Verdict\n\nReleased. average_precision",
        "| metric | model [90 % interval] | recency | lead_points |",
        "## Does it mean what it says?",
        "## Is the data enough?",
        "| first seen (30 days) | new |",
        "## Limits",
    ):
        assert part in card, part


def test_the_doctor_says_of_each_released_score_what_it_lacks(town: Town) -> None:
    found = {f.topic: f for f in released_models(town.settings)}
    assert set(found) >= SCORES
    assert found["clv_365"].level == "note" and "needs 3 horizons" in found["clv_365"].what
    assert "needs 500" in found["churn"].what and "card" in found["churn"].cure


def test_everybody_is_scored_by_the_models_that_are_about_them(town: Town) -> None:
    table = profiles(town)
    bought = table["purchase_day_count"] > 0
    for name in SCORES:
        about = ~bought if name == "lead_score" else bought
        assert table[name].notna().equals(about), name
    assert town.scored.customers == len(table)
    assert set(town.scored.models) == SCORES


def test_percentiles_and_tiers_rank_all_who_are_scored(town: Town) -> None:
    table = profiles(town).dropna(subset=["clv_90"])
    ordered = table.sort_values("clv_90")
    assert ordered["clv_90_percentile"].is_monotonic_increasing
    assert ordered["clv_90_percentile"].between(1, 100).all()
    assert (ordered["clv_90_tier"] == ordered["clv_90_percentile"].astype(int).map(tier_of)).all()


def test_scores_know_regulars_from_fleeting_ones_and_keen_from_idle(town: Town) -> None:
    table = profiles(town)
    number = table.index.str.extract(r"(\d+)", expand=False).astype(int)
    means = table.groupby(number % 4)[["churn", "clv_90", "lead_score"]].mean()
    assert means.loc[0, "churn"] < means.loc[1, "churn"]
    assert means.loc[0, "clv_90"] > 2 * means.loc[1, "clv_90"]
    active = table[table["days_since_last_event"] <= 30]
    leads = active.groupby(active.index.str.extract(r"(\d+)", expand=False).astype(int) % 4)
    assert leads["lead_score"].mean()[2] > leads["lead_score"].mean()[3]


def test_a_record_has_the_shape_of_a_score(town: Town) -> None:
    stored = Features.open(town.settings.home).read("c0")
    assert stored is not None
    assert set(stored.scores) == SCORES - {"lead_score"}
    score = Score("m", "EUR", 1, 0, 2, 1, "E", (Factor("f", "t", 1),), "1", NOW).to_plain()
    for record in stored.scores.values():
        amount = "probability" if record["unit"] == "probability" else "amount"
        assert set(record) == set(score) - {"amount"} | {amount}
        low, high = record["interval"]
        assert low <= record[amount] <= high
        assert record["scored_at"] == END.isoformat()
        assert record["reliability"] == ("low" if record["reliability_reason"] else "high")
        sizes = [abs(factor["contribution"]) for factor in record["factors"]]
        assert sizes == sorted(sizes, reverse=True)


def test_a_score_beyond_what_was_learned_is_of_low_reliability(town: Town) -> None:
    table = profiles(town)
    gone = table.index[table["recency_days"] > 30][0]
    record = Features.open(town.settings.home).read(gone).scores["churn"]
    beyond, few, *_ = record["reliability_reason"].split("; ")
    assert beyond == "silent for longer than the horizon already"
    assert few == "143 customers with the outcome, a reliable score needs 500 (a model 100)"
    assert record["reliability"] == "low"
    assert record["probability"] > 0.5


def test_the_model_says_what_the_record_says(town: Town) -> None:
    table = profiles(town).dropna(subset=["clv_90"])
    model = load_model(town.release / "models" / "clv_90")
    np.testing.assert_allclose(model.predict(table), table["clv_90"], rtol=1e-9)
    alone = model.predict(table.iloc[[3]])[0]
    assert alone == pytest.approx(table["clv_90"].iloc[3])  # law 9: one is as in a batch


def test_a_release_holds_what_serving_reads(town: Town) -> None:
    about = json.loads((town.release / "release.json").read_text())
    assert about["release_id"] == town.release.name
    assert set(about["models"]) == set(town.outcomes)
    assert is_recommender(about["models"]["recommend"]["kind"])
    assert about["models"]["recommend"]["weights"]["purchase"] == 3.0
    assert {"version", "kind", "metrics", "trained_at", "reliability"} <= set(
        about["models"]["churn"]
    )
    assert (town.settings.home / "releases" / "current").read_text().strip() == town.release.name
    items = pd.read_parquet(town.release / "items.parquet")
    assert len(items) == 40
    assert items["popularity"].gt(0).all()
    table = profiles(town)
    assert {f.name for f in FEATURES} <= set(table.columns)
    with np.load(town.release / "customers.npz") as crowd:
        assert crowd["profile_ids"].tolist() == table.index.tolist()
        assert crowd["vectors"].dtype == np.float32
        assert np.isfinite(crowd["vectors"]).all()
    assert ResponseRates.load(town.release / "responses.json").tallies == {}


def test_recommendations_stay_on_the_side_that_a_customer_likes(town: Town) -> None:
    model = load_model(town.release / "models" / "recommend")
    from models.history import History

    ids, _ = model.recommend(History.of(["i00", "i04", "i08"]), 5, exclude=["i00", "i04", "i08"])
    assert sum(int(item[1:]) % 2 == 0 for item in ids) >= 4


def test_evaluation_says_whether_the_days_are_new_to_the_model(town: Town) -> None:
    rows = evaluate(["churn", "clv"], town.settings, at=NOW)
    churn = next(row for row in rows if row["model"] == "churn" and row["metric"] == "auc")
    assert churn["days"].endswith("learned from")
    assert churn["when trained"]
    stretched = next(row for row in rows if row["model"] == "clv_365")
    assert "does not hold 365 days to measure on" in stretched["value [90 %]"]
    assert all(set(row) == set(rows[0]) for row in rows)


def test_only_the_last_releases_are_kept(town: Town, tmp_path, make_copy) -> None:
    settings = make_copy(town.settings)
    from datetime import timedelta

    made = [release(settings, END, at=NOW + timedelta(hours=n)) for n in range(1, 7)]
    kept = sorted(f.name for f in (settings.home / "releases").iterdir() if f.is_dir())
    assert kept == [folder.name for folder in made[-5:]]
    assert (settings.home / "releases" / "current").read_text().strip() == made[-1].name


def test_a_scoring_under_way_does_not_bring_an_erased_person_back(town: Town, make_copy) -> None:
    settings = make_copy(town.settings)
    who = next(i for i in sorted(profiles(town).index) if i.startswith("kd"))
    with closing(open_features(settings)) as features:
        assert features.read(who).scores

    def erase_when_scored(what, _):
        if what == "writing scores":
            with closing(open_log(settings)) as log, closing(open_features(settings)) as features:
                erase(log, features, settings.home, who, NOW, lambda _: None)

    score_all(settings, END, at=NOW, progress=erase_when_scored)
    with closing(open_features(settings)) as features:
        assert features.read(who) is None
    assert [t for t in traces(settings.home, [f"{who}\0", f'"{who}"', f"'{who}'"])] == []
