"""Law 1: for any events and any time T, the batch build at T equals the state read at T.
Law 2: adding events at or after T changes no feature at T."""

import math
import tempfile
from contextlib import closing
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from histories import DAYS, START, history
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from once import own_ids

from domain.behaviour import State, fold
from domain.events import Event, to_micros
from domain.features import features_at
from feature_repo import lake
from feature_repo.backends import open_features, open_log
from feature_repo.build import make_feature_table
from feature_repo.event_log import EventLog
from feature_repo.state_tables import connect
from feature_repo.states import build_states
from feature_repo.stream import Recorder

cutoffs = st.one_of(
    st.integers(1, DAYS * 86_400).map(lambda s: START + timedelta(seconds=s)),
    st.integers(0, 240).map(lambda s: START + timedelta(days=20, seconds=s)),
)
slow_parts_are_fine = settings(
    max_examples=settings.default.max_examples // 5, suppress_health_check=list(HealthCheck)
)


def folded(events: list[Event], log: EventLog, at: datetime) -> dict[str, State]:
    """Fold the events before `at` one by one, by the profile known at that time."""
    now = to_micros(at)
    customer_of = {device: who for device, who, since in log.identities() if since < now}
    canonical = {i: who for i, who, since, until in log.stitches()[1] if since < now <= until}
    states: dict[str, State] = {}
    for event in events:
        device = event.anonymous_id or ""
        base = event.customer_id or customer_of.get(device) or event.anonymous_id
        if base and event.at < at:
            profile = canonical.get(base, base)
            states[profile] = fold(states.get(profile, State()), event)
    return states


def same(a: Any, b: Any) -> bool:
    missing_a, missing_b = (v is None or v != v for v in (a, b))
    if missing_a or missing_b:
        return missing_a and missing_b
    if isinstance(a, float):
        return math.isclose(a, b, rel_tol=1e-6, abs_tol=1e-9)
    return bool(a == b)


def built(home: Path, at: datetime) -> dict[str, dict[str, Any]]:
    with connect(home, threads=1) as db:  # two cost more than they save on little
        make_feature_table(db, to_micros(at))
        rows = db.execute("FROM features").fetch_arrow_table().to_pylist()
    return {row.pop("profile_id"): row for row in rows}


def with_lake(folder: str, events: list[Event]) -> tuple[Path, EventLog]:
    home = Path(folder)
    log = EventLog(home, identity_max_profiles=3)
    log.append(events)
    lake.export(log, home)
    return home, log


@slow_parts_are_fine
@given(history().filter(bool), cutoffs)
def test_the_batch_build_equals_the_state_read_at_any_time(events, at):
    with tempfile.TemporaryDirectory() as folder:
        home, log = with_lake(folder, events)
        expected = folded(events, log, at)
        batch = built(home, at)
        states = {i: State.from_json(text) for i, text in build_states(home, at)}
    assert set(batch) == set(states) == set(expected)
    for profile, state in expected.items():
        read = features_at(state, at)
        rebuilt = features_at(states[profile], at)
        wrong = {
            n: (v, batch[profile][n]) for n, v in read.items() if not same(v, batch[profile][n])
        }
        assert not wrong
        assert not {n: (v, rebuilt[n]) for n, v in read.items() if not same(v, rebuilt[n])}
        assert states[profile].touches == state.touches
        assert states[profile].traits == state.traits
        assert states[profile].consents == state.consents


@slow_parts_are_fine
@given(history().filter(bool), cutoffs)
def test_events_at_or_after_a_time_change_nothing_before_it(events, at):
    before = [e for e in events if e.at < at]
    if not before:
        return
    with tempfile.TemporaryDirectory() as some, tempfile.TemporaryDirectory() as all_:
        without = built(with_lake(some, before)[0], at)
        with_later = built(with_lake(all_, events)[0], at)
    assert without.keys() == with_later.keys()
    for profile, row in without.items():
        assert not {n: (v, with_later[profile][n]) for n, v in row.items()
                    if not same(v, with_later[profile][n])}  # fmt: skip


@pytest.fixture(scope="module")
def shop(shared_place):
    with closing(open_log(shared_place)) as log, closing(open_features(shared_place)) as features:
        yield log, features, shared_place.home


@settings(
    max_examples=settings.default.max_examples // 10,
    suppress_health_check=list(HealthCheck),
    phases=(Phase.explicit, Phase.reuse, Phase.generate),  # what is stored cannot be shrunk
)
@given(history(25).filter(bool), st.randoms(use_true_random=False))
def test_what_the_stream_keeps_online_reads_as_what_the_batch_builds(shop, events, random):
    log, features, home = shop
    after, mine = START + timedelta(days=DAYS + 1), own_ids(events)
    arrived = list(mine)
    random.shuffle(arrived)
    recorder = Recorder(log, features)
    for event in arrived:
        recorder.record([event])
    lake.export(log, home)
    batch = built(home, after)
    profiles = {p for e in mine if (p := log.profile_id_of(e))}
    assert profiles <= batch.keys()
    for profile, stored in features.read_many(profiles).items():
        row = features_at(stored.state, after)
        assert not {n: (v, batch[profile][n]) for n, v in row.items()
                    if not same(v, batch[profile][n])}  # fmt: skip
