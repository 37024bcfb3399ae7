"""Streams that stand alone share the partitions of the log, one consumer for each at a time."""

import os
import signal
import threading
import time
from contextlib import closing, contextmanager
from dataclasses import replace

import pytest
from load import crew, load, settled
from once import check
from test_apart import until

from domain.settings import Settings
from feature_repo.backends import open_features, open_log
from feature_repo.event_rows import to_event
from feature_repo.folding_loop import fold_until
from feature_repo.redis_consumer import CLAIM_SECONDS
from feature_repo.stream import Recorder
from training.doctor import streams as streams_of


@pytest.fixture
def outgrown(redis_server, tmp_path):
    redis_server.empty()
    return Settings(home=tmp_path, event_log=redis_server.url, online_store=redis_server.url)


def fold(settings):
    log, features = open_log(settings), open_features(settings)
    fold_until(threading.Event(), log, features)


@contextmanager
def streams(settings, count):
    processes = [crew.Process(target=fold, args=(settings,)) for _ in range(count)]
    for process in processes:
        process.start()
    try:
        yield processes
    finally:
        for process in processes:
            process.kill()
            process.join()


def owners(log):
    return [lag.consumer for lag in log.lag()]


def idle(log):
    return all(lag.consumer and not lag.waiting and not lag.unfinished for lag in log.lag())


def test_consumers_share_the_partitions_and_give_them_back(outgrown):
    with closing(open_log(outgrown)) as log:
        first, second = log.consumer(), log.consumer()
        assert list(first.claimed()) == list(range(8))
        assert list(second.claimed()) == []  # nothing is free until the first one hands it over
        first._beat_at = second._beat_at = -1  # half a second later
        assert len(first.claimed()) == 4
        assert sorted([*first.claimed(), *second.claimed()]) == list(range(8))
        assert len(set(owners(log))) == 2
        first.leave()
        second._beat_at = -1
        assert len(second.claimed()) == 8 and set(owners(log)) == {second.name}


def test_what_was_given_is_acknowledged_behind_the_states(outgrown):
    with closing(open_log(outgrown)) as log:
        consumer = log.consumer()
        assert consumer.claimed() and not consumer.wait(0.01)
        reached = log.store(load(1, 40)).reached
        assert sum(lag.waiting for lag in log.lag()) == 40
        assert consumer.wait(0.01)
        assert sum(lag.unfinished for lag in log.lag()) == 40
        heir = log.consumer()
        consumer.leave()
        heir.claimed()
        heir.done(reached)
        while heir.wait(0.01):  # what nobody finished is the next one's
            heir.done(reached)
        assert idle(log)


def test_what_a_dead_consumer_was_given_goes_to_its_heir(outgrown):
    with closing(open_log(outgrown)) as log:
        dead = log.consumer()
        dead.claimed()
        reached = log.store(load(1, 40)).reached
        assert dead.wait(0.01)
        time.sleep(1.1 * CLAIM_SECONDS)  # it says nothing more
        heir = log.consumer()
        heir.claimed()
        assert sum(lag.unfinished for lag in log.lag()) == 40
        heir.done(reached)
        assert idle(log)


def test_the_doctor_tells_who_folds_and_how_far_they_are(outgrown):
    apart = replace(outgrown, stream="apart")
    with closing(open_log(apart)) as log:
        log.store(load(1, 40))
        (told,) = streams_of(apart)
        assert told.level == "bad" and "0 of 8 partitions" in told.what
        consumer = log.consumer()
        consumer.claimed()
        (told,) = streams_of(apart)
        assert (told.level, told.what) == (
            "good", "1 streams fold 8 of 8 partitions; 40 events behind",
        )  # fmt: skip
    assert streams_of(outgrown) == []
    (told,) = streams_of(replace(apart, event_log="redis://127.0.0.1:1/0"))
    assert told.level == "bad" and "does not answer" in told.what


@pytest.mark.slow
def test_the_partitions_of_a_killed_stream_go_to_another(outgrown):
    """Two streams fold; one is killed in the middle, and the other ends the work of both."""
    with closing(open_log(outgrown)) as log, streams(outgrown, 2) as (one, other):
        recorder = Recorder(log, None, folds=False)
        until(lambda: len(set(owners(log))) == 2 and None not in owners(log), 120)
        recorder.record(load(1, 1_000, keys=True))
        os.kill(one.pid, signal.SIGKILL)
        recorder.record(load(2, 1_000, keys=True))
        until(lambda: len(set(owners(log))) == 1 and idle(log), CLAIM_SECONDS + 30)
        assert other.is_alive()
        with closing(open_features(outgrown)) as features:  # before anybody else folds
            check(log, features, [to_event(row[1:]) for row in log.rows_after(0, 10_000)])
    assert len(settled(outgrown, check)) == 2_000
