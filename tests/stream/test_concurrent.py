"""Several processes that record at once neither lose nor double, whatever each of them sends."""

import random
from contextlib import closing
from functools import reduce

import pytest
from load import acknowledged, crew, finish, load, record, settled
from once import check

from domain.behaviour import State, fold
from feature_repo.backends import open_features, open_log
from feature_repo.lake import export
from feature_repo.stream import load_states

pytestmark = pytest.mark.slow


def run(place, tmp_path, shares):
    """Record each share of events in a process of its own, all at once."""
    processes = [
        crew.Process(target=record, args=(place, events, tmp_path / f"told-{n}", n))
        for n, events in enumerate(shares)
    ]
    for process in processes:
        process.start()
    return processes


def test_two_processes_record_the_same_events_and_different_ones(place, tmp_path):
    both, mine, yours = (load(seed, 150, keys=True) for seed in (1, 2, 3))
    shares = [[*both, *mine], [*yours, *both]]
    for n, share in enumerate(shares):
        random.Random(n).shuffle(share)
    finish(run(place, tmp_path, shares))
    events = settled(place, check)
    assert len(events) == 450


def test_a_batch_that_four_clients_send_five_times_counts_once(place, tmp_path):
    batch = load(4, 40)
    finish(run(place, tmp_path, [batch * 5] * 4))
    assert len(settled(place, check)) == 40


def test_what_was_acknowledged_is_in_the_state_at_once(place):
    with closing(open_log(place)) as log, closing(open_features(place)) as features:
        from feature_repo.stream import Recorder

        first, second = Recorder(log, features), Recorder(log, features)
        done = []
        for n, event in enumerate(e for e in load(5, 400) if e.customer_id == "c1"):
            (first, second)[n % 2].record([event])
            done.append(event)
            mine = [e for e in done if e.customer_id]
            assert features.read("c1").state.tallies.keys() >= {e.kind for e in mine}
        assert features.read("c1").state == reduce(fold, done, State())


@pytest.mark.slow
def test_states_are_loaded_while_others_record(place, tmp_path):
    with closing(open_log(place)) as log, closing(open_features(place)) as features:
        log.append(load(6, 3_000))
        processes = run(place, tmp_path, [load(7, 600), load(8, 600)])
        loads = 0
        while any(p.is_alive() for p in processes):
            export(log, place.home)
            load_states(log, features, place.home)
            loads += 1
        finish(processes)
    events = settled(place, check)
    assert len(events) == 4_200 and loads > 1
    assert len(acknowledged(tmp_path / "told-0")) == 600
