"""The stream as a process of its own, and an API of several processes, as a person starts them."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from histories import START
from load import load, message, settled
from once import check

from domain.settings import Settings, load_settings
from feature_repo.backends import open_features, open_log
from feature_repo.folding_loop import fold_until
from feature_repo.stream import Recorder
from serving.keys import ensure_keys


def until(true, seconds=60.0):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.02)


def test_an_api_that_only_stores_leaves_folding_to_the_stream(place):
    events, ended = load(1, 60), threading.Event()
    with closing(open_log(place)) as log, closing(open_features(place)) as features:
        assert all(Recorder(log, features, folds=False).record(events))
        assert features.read_many(["c1"]) == {}
        with closing(open_log(place)) as theirs:
            stream = threading.Thread(target=fold_until, args=(ended, theirs, features))
            stream.start()
            until(lambda: "c1" in features.read_many(["c1"]))
            Recorder(log, features, folds=False).record(load(2, 60))
            seen = len(load(2, 60))
            until(lambda: log.last_seq() >= 60 + seen)
            ended.set()
            stream.join()
    assert len(settled(place, check)) == 120


@contextmanager
def running(place, *words, **more):
    with started(place, *words, **more) as (settings, _):
        yield settings


@contextmanager
def started(place, *words, **more):
    settings = place.to_environment() | {k.upper(): v for k, v in more.items()}
    process = subprocess.Popen(
        [sys.executable, "-m", "nextbest", *words], env={**os.environ, **settings}
    )
    try:
        yield load_settings(settings), process
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) in (0, -signal.SIGTERM)


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return str(found.getsockname()[1])


def call(settings, path, body, key):
    url = f"http://127.0.0.1:{settings.port}{path}"
    asked = urllib.request.Request(
        url,
        json.dumps(body).encode() if body is not None else None,
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )
    try:
        with urllib.request.urlopen(asked, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as fault:
        raise AssertionError(fault.read()) from fault


def ready(settings):
    try:
        url = f"http://127.0.0.1:{settings.port}/health/ready"
        return urllib.request.urlopen(url, timeout=2).status == 200
    except OSError:
        return False


@pytest.mark.slow
def test_two_workers_count_each_event_once_and_know_it_in_the_next_answer(place):
    keys = ensure_keys(place.home)[0]
    with running(place, "serve", "--workers", "2", nextbest_port=free_port()) as settings:
        until(lambda: ready(settings), 120)

        def person(n):
            for k in range(20):
                body = {"batch": [{"type": "track", "event": "page-view", "userId": f"p{n}",
                                   "messageId": f"{n}-{k}",
                                   "timestamp": START.isoformat()}] * 2}  # fmt: skip
                call(settings, "/v1/batch", body, keys.write_key)
                found = call(settings, f"/v1/profiles/p{n}", None, keys.secret_key)
                assert found["behaviour"]["event_count"] == k + 1

        with ThreadPoolExecutor(4) as crowd:
            list(crowd.map(person, range(4)))
    assert len(settled(place, check)) == 80


def workers_of(process):
    """Return the process ids of the API's workers."""
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
    return [int(c) for c in children if b"spawn_main" in Path(f"/proc/{c}/cmdline").read_bytes()]


@contextmanager
def resting(pid):
    """Let a process rest, so that its sibling takes every new connection."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


@pytest.mark.slow
def test_what_a_key_has_sent_to_one_worker_counts_at_the_other(tmp_path):
    keys, few = ensure_keys(tmp_path)[0], {"nextbest_rate_burst": "4"}
    few |= {"nextbest_rate_events_per_second": "0.001", "nextbest_port": free_port()}
    with (
        started(Settings(home=tmp_path), "serve", "--workers", "2", **few) as (settings, process),
        closing(open_log(settings)) as log,
    ):
        until(lambda: ready(settings), 120)
        until(lambda: len(workers_of(process)) == 2)
        one, two = workers_of(process)

        def send():
            call(settings, "/v1/track", {"event": "page-view", "userId": "p"}, keys.write_key)

        with resting(two):
            for _ in range(4):
                send()
        with resting(one), pytest.raises(AssertionError, match="too_many_requests"):
            send()
        assert log.summary().events == 4


@pytest.mark.slow
def test_the_stream_command_folds_what_an_api_stores(place):
    keys = ensure_keys(place.home)[0]
    apart = {"nextbest_stream": "apart", "nextbest_port": free_port()}
    with running(place, "serve", **apart) as settings, running(place, "stream", **apart):
        until(lambda: ready(settings), 120)
        body = {"batch": [message(e) for e in load(3, 100)]}
        call(settings, "/v1/batch", body, keys.write_key)
        with closing(open_features(place)) as features:
            until(lambda: "c1" in features.read_many(["c1"]), 60)
    assert len(settled(place, check)) == 100
