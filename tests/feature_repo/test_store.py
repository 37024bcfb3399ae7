"""The door to Feast: training frames, states and scores, for many threads and processes."""

import json
import os
import runpy
import shutil
import subprocess
import sys
import threading
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feature_repo.light_feast  # noqa: F401  # isort: skip

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import FeatureService
from feast.repo_operations import get_repo_files

from domain.behaviour import State
from domain.errors import InvalidInput, NotEnoughData, NotFound
from domain.features import FEATURES
from feature_repo import definitions, registration
from feature_repo.store import Features, StoredProfile

CUTOFF = datetime(2026, 3, 1, tzinfo=UTC)
NOW = datetime(2026, 3, 2, 9, 30, tzinfo=UTC)
REPO = Path(definitions.__file__).parent
ARROW = {"number": pa.float64(), "text": pa.string(), "boolean": pa.bool_()}
SAMPLE = {"number": 1.5, "text": "mail", "boolean": True}


@pytest.fixture
def features(tmp_path, registered):
    shutil.copytree(registered, tmp_path, dirs_exist_ok=True)
    store = Features.open(tmp_path)
    yield store
    store.close()


def state(*days: int) -> State:
    return State(known=True, active_days=days)


def build(home: Path, ids, cutoff=CUTOFF):
    """Write the offline files of one cut-off as the feature build does, all with sample values."""
    known = [cutoff - timedelta(microseconds=1)] * len(ids)
    for view in ("profile", "behaviour", "value"):
        table = {
            "profile_id": pa.array(ids, pa.string()),
            "event_timestamp": pa.array(known, pa.timestamp("us", "UTC")),
            "created_timestamp": pa.array(known, pa.timestamp("us", "UTC")),
        }
        for f in FEATURES:
            if f.view == view:
                table[f.name] = pa.array([SAMPLE[f.type]] * len(ids), ARROW[f.type])
        file = home / "offline" / view / f"as_of={int(cutoff.timestamp() * 1e6)}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(pa.table(table), file)


def test_a_training_frame_keeps_rows_order_and_extra_columns(features, tmp_path):
    build(tmp_path, ["a", "b"])
    entities = pd.DataFrame(
        {
            "label": pd.Categorical(["no", "yes", "no", "yes"]),
            "profile_id": ["b", "nobody", "a", "b"],
            "event_timestamp": [CUTOFF, CUTOFF, CUTOFF, CUTOFF],
            "weight": pd.array([1, None, 3, 4], dtype="Int64"),
        },
        index=[9, 7, 5, 3],
    )
    before = entities.copy()
    frame = features.training_frame(entities, "churn_v1")
    names = [f.name for f in FEATURES]
    assert list(frame.columns) == ["label", "profile_id", "event_timestamp", "weight", *names]
    assert list(frame["profile_id"]) == ["b", "nobody", "a", "b"]
    assert list(frame.index) == [0, 1, 2, 3]
    assert frame["label"].dtype == "category" and frame["weight"].dtype == "Int64"
    assert list(frame["event_count"].isna()) == [False, True, False, False]
    pd.testing.assert_frame_equal(entities, before)


def test_features_come_in_the_types_of_the_table(features, tmp_path):
    build(tmp_path, ["a"])
    rows = pd.DataFrame({"profile_id": ["a", "nobody"], "event_timestamp": [CUTOFF] * 2})
    frame = features.training_frame(rows, "clv_v1")
    for f in FEATURES:
        assert frame[f.name][0] == SAMPLE[f.type]
        assert pd.isna(frame[f.name][1])
    kinds = {"number": "float64", "text": "object", "boolean": "boolean"}
    assert [str(frame[f.name].dtype) for f in FEATURES] == [kinds[f.type] for f in FEATURES]


def test_a_service_gives_its_own_views_only(features, tmp_path):
    build(tmp_path, ["a"])
    rows = pd.DataFrame({"profile_id": ["a"], "event_timestamp": [CUTOFF]})
    frame = features.training_frame(rows, "lead_score_v1")
    assert list(frame.columns[2:]) == [f.name for f in FEATURES if f.view != "value"]


def test_a_missing_build_shows_as_nulls_not_as_an_older_one(features, tmp_path):
    build(tmp_path, ["a"])
    rows = pd.DataFrame(
        {"profile_id": ["a", "a"], "event_timestamp": [CUTOFF, CUTOFF + timedelta(days=7)]}
    )
    frame = features.training_frame(rows, "churn_v1")
    assert frame["event_count"].notna().tolist() == [True, False]


def test_what_is_missing_is_named(features):
    rows = pd.DataFrame({"profile_id": ["a"], "event_timestamp": [CUTOFF]})
    with pytest.raises(NotFound, match="'churn_v9'; there are: churn_v1, clv_v1"):
        features.training_frame(rows, "churn_v9")
    with pytest.raises(NotEnoughData, match="nextbest build"):
        features.training_frame(rows, "churn_v1")
    with pytest.raises(InvalidInput, match="'event_timestamp'"):
        features.training_frame(rows[["profile_id"]], "churn_v1")


def test_what_is_written_is_read_back(features):
    scores = {"churn": {"probability": 0.2, "tier": "B"}}
    features.write_states([("ünï", state(1).to_json(), NOW), ("b", state(2).to_json(), NOW)])
    features.write_scores([("ünï", json.dumps(scores), NOW + timedelta(days=1))])
    assert features.read("ünï") == StoredProfile("ünï", state(1), scores, NOW)
    assert features.read("b") == StoredProfile("b", state(2), {}, NOW)
    assert features.read("nobody") is None
    assert list(features.read_many(["b", "nobody", "ünï", "b"])) == ["b", "ünï"]


def test_scores_without_a_state_are_kept_too(features):
    features.write_scores([("a", '{"clv": {"amount": 9.0}}', NOW)])
    assert features.read("a") == StoredProfile("a", State(), {"clv": {"amount": 9.0}}, None)


def test_the_last_write_wins(features):
    features.write_states([("a", state(1).to_json(), NOW)])
    features.write_states([("a", state(2).to_json(), NOW - timedelta(days=1))])
    assert features.read("a").state == state(2)


def test_more_rows_than_a_batch_are_all_kept(features):
    ids = [f"customer-{n}" for n in range(12_000)]
    assert features.write_states((i, state(n).to_json(), NOW) for n, i in enumerate(ids)) == 12_000
    found = features.read_many(ids)
    assert list(found) == ids
    assert found["customer-11999"].state == state(11_999)


def test_scores_leave_a_history_that_can_be_joined(features):
    for day, text in ((0, '{"churn": 1}'), (5, '{"churn": 2}')):
        features.write_scores([("a", text, NOW + timedelta(days=day))])
    times = [NOW, NOW + timedelta(days=1), NOW + timedelta(days=9)]
    rows = pd.DataFrame({"profile_id": "a", "event_timestamp": times})
    found = features._feast.get_historical_features(rows, ["scores:records"]).to_df()
    assert found["records"].tolist() == [None, '{"churn": 1}', '{"churn": 2}']


def test_the_history_can_be_materialized_into_the_online_store(features, tmp_path):
    features.write_scores([("a", '{"churn": {"tier": "A"}}', NOW)])
    features.delete(["a"])
    features._feast.materialize(NOW - timedelta(days=1), NOW + timedelta(days=1), ["scores"])
    assert features.read("a").scores == {"churn": {"tier": "A"}}


def test_scoring_that_fails_leaves_no_history(features, tmp_path):
    def rows():
        yield ("a", "{}", NOW)
        raise RuntimeError("cut off")

    with pytest.raises(RuntimeError):
        features.write_scores(rows())
    assert list((tmp_path / "offline" / "scores").iterdir()) == []


def test_deleted_profiles_are_gone_and_others_stay(features):
    rows = [(i, state(1).to_json(), NOW) for i in ("a", "b")]
    features.write_states(rows)
    features.write_scores([("a", '{"clv": {}}', NOW)])
    assert features.delete(["a", "nobody"]) == 2
    assert features.read("a") is None
    assert features.read("b") is not None


def registered_at(store):
    return [s.last_updated_timestamp for s in store._feast.list_feature_services()]


def test_a_second_open_registers_nothing(features, tmp_path):
    again = Features.open(tmp_path)
    assert registered_at(again) == registered_at(features)
    again.close()


def test_another_process_registers_nothing_either(features, tmp_path, monkeypatch):
    made_anew = runpy.run_path(str(REPO / "definitions.py"))["objects"]
    monkeypatch.setattr(registration, "objects", made_anew)
    again = Features.open(tmp_path)
    assert registered_at(again) == registered_at(features)
    again.close()


def test_a_changed_definition_is_registered_and_a_removed_one_goes(tmp_path, monkeypatch):
    Features.open(tmp_path).close()
    kept = [o for o in definitions.objects() if o.name != "clv_v1"]
    added = FeatureService(name="win_back_v1", features=[definitions.value_view])
    monkeypatch.setattr(registration, "objects", lambda: [*kept, added])
    store = Features.open(tmp_path)
    names = {s.name for s in store._feast.list_feature_services()}
    assert "win_back_v1" in names and "clv_v1" not in names
    store.close()


def test_states_survive_a_change_of_definitions(tmp_path, monkeypatch):
    store = Features.open(tmp_path)
    store.write_states([("a", state(1).to_json(), NOW)])
    store.close()
    fewer = [o for o in definitions.objects() if o.name != "clv_v1"]
    monkeypatch.setattr(registration, "objects", lambda: fewer)
    again = Features.open(tmp_path)
    assert again.read("a").state == state(1)
    again.close()


def test_a_lost_online_file_is_made_anew(tmp_path):
    Features.open(tmp_path).close()
    (tmp_path / "online.db").unlink()
    store = Features.open(tmp_path)
    assert store.read("a") is None
    store.close()


def test_threads_can_read_and_write_at_once(features):
    faults = []

    def work(name):
        try:
            for n in range(50):
                features.write_states([(name, state(n).to_json(), NOW)])
                assert features.read(name).state == state(n)
        except Exception as fault:
            faults.append(fault)

    workers = [threading.Thread(target=work, args=(f"p{n}",)) for n in range(6)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert faults == []


WRITER = """
import sys
from datetime import UTC, datetime
from pathlib import Path
from domain.behaviour import State
from feature_repo.store import Features
store = Features.open(Path(sys.argv[1]))
at = datetime(2026, 3, 2, tzinfo=UTC)
for day in range(5):
    text = State(active_days=(day,)).to_json()
    store.write_states((f"p{n}", text, at) for n in range(6000))
store.close()
"""


def start(*args, **environ):
    place = {**os.environ, **environ, "PYTHONPATH": str(REPO.parent)}
    return subprocess.Popen(
        args, env=place, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def finished(process):
    said, _ = process.communicate(timeout=120)
    assert process.returncode == 0, said
    return said


@pytest.mark.slow
def test_processes_may_open_a_new_home_and_write_at_once_while_another_reads(tmp_path):
    home = tmp_path / "home"
    writers = [start(sys.executable, "-c", WRITER, str(home)) for _ in range(2)]
    store = Features.open(home)
    seen = set()
    while any(w.poll() is None for w in writers):
        found = store.read_many([f"p{n}" for n in range(0, 6000, 500)])
        seen.add(len(found))
        time.sleep(0.01)
    for writer in writers:
        finished(writer)
    assert seen <= {0, 10, 12}  # a batch of 5000 is seen whole or not at all
    assert store.read("p5999").state.active_days == (4,)
    store.close()


@pytest.mark.slow
def test_the_feast_command_registers_the_same_objects(tmp_path):
    home, repo = tmp_path / "home", tmp_path / "repo" / "feature_repo"
    home.mkdir()
    shutil.copytree(REPO, repo, ignore=shutil.ignore_patterns("__pycache__"))
    feast = Path(sys.executable).with_name("feast")
    said = finished(start(str(feast), "-c", str(repo), "apply", NEXTBEST_HOME=str(home)))
    assert "Created feature service churn_v1" in said
    theirs = registration.registered_store(home)
    ours = registration.registered_store(tmp_path)
    for kind in ("entities", "batch_feature_views", "feature_services", "data_sources"):
        both = [getattr(store, f"list_{kind}")() for store in (ours, theirs)]
        first, second = (sorted(found, key=lambda o: o.name) for found in both)
        assert first == second and first


def test_feast_imports_the_definitions_and_nothing_else():
    assert get_repo_files(REPO) == [REPO / "definitions.py"]
