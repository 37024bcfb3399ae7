"""The same batches from many clients, and events of two days in no order, over HTTP."""

import random
import time
from pathlib import Path

import pytest
from crowd import Crowd
from kills import serving
from redis_away import settings_on
from repeats import same_batches, shuffled
from services import answers, until
from tally import count

from domain.settings import EMBEDDED, Settings

pytestmark = pytest.mark.slow


def test_on_redis_each_event_counts_once(redis_server, tmp_path):
    settings, keys, (part,) = serving(settings_on(redis_server, tmp_path), tmp_path)
    part.start()
    part.when_ready()
    crowds = [same_batches(settings, keys, 9), shuffled(settings, keys, 10)]
    part.stop()
    found = count("repeated and shuffled", settings, *crowds)
    assert found.is_clean and found.acknowledged == 2_400, found


def test_two_workers_count_each_event_once_and_end_with_their_leader(tmp_path):
    place = Settings(home=tmp_path, event_log=EMBEDDED, online_store=EMBEDDED)
    settings, keys, (part,) = serving(place, tmp_path, workers=2, forked=False)
    part.start()
    until(lambda: len(part.workers()) == 2, "both workers")
    part.when_ready()
    crowds = [same_batches(settings, keys, 11), shuffled(settings, keys, 12)]
    with Crowd(settings, keys.write_key, 13) as crowd:
        time.sleep(0.3)
        part.kill_worker(random.Random(13))
        until(lambda: crowd.cut > 0, "a request to be cut off")
        until(lambda: len(part.workers()) == 2, "a new worker")
        crowd.finish()
    workers = part.workers()
    part.kill_leader()
    until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in workers), "the workers to end")
    assert not answers(settings, "/health/live")
    found = count("repeated, shuffled, a worker killed", settings, *crowds, crowd)
    assert found.is_clean and found.acknowledged > 2_400, found
