"""Law 3 under kill -9: wherever a process ends, nothing acknowledged is lost, nothing doubled."""

import os
import random
import signal
import time

import pytest
from load import acknowledged, crew, load, record, settled, when_ready
from once import check

from domain.settings import EMBEDDED

pytestmark = pytest.mark.slow


def survive(place, tmp_path, kills, seed):
    """Kill a recording process again and again at any point; judge after each death."""
    draw, kept = random.Random(seed), set()
    for n in range(kills):
        told = tmp_path / f"told-{n}"
        process = crew.Process(
            target=record, args=(place, load(1_000 + n, 2_000, keys=True), told, n)
        )
        process.start()
        when_ready(told)
        time.sleep(draw.uniform(0, 0.12))
        os.kill(process.pid, signal.SIGKILL)
        process.join()
        kept.update(acknowledged(told))
        found = settled(place, check)
        assert kept <= {e.message_id for e in found}
    assert kept


def test_a_killed_process_loses_and_doubles_nothing(place, tmp_path):
    survive(place, tmp_path, kills=20 if place.event_log == EMBEDDED else 10, seed=7)


@pytest.mark.slow
def test_fifty_killed_processes_lose_and_double_nothing(place, tmp_path):
    survive(place, tmp_path, kills=50, seed=11)
