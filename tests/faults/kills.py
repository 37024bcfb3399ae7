"""Scenes in which parts of the running service are killed at random points under load."""

import random
import time

from crowd import Crowd
from services import Part, opened, until
from tally import count, is_folded

from domain.settings import APART

_DURING_START = 0.25  # share of the kills that come before the service is ready again
_START_SECONDS, _LOAD_SECONDS = 1.0, 0.8


def serving(place, tmp_path, workers=1, forked=True):
    """Return the settings and keys, and `nextbest serve`."""
    settings, keys = opened(place, workers=workers)
    return settings, keys, [Part(settings, tmp_path / "serve.log", "serve", forked=forked)]


def apart(place, tmp_path, forked=True):
    """Return the settings and keys, and `nextbest serve` and `nextbest stream` side by side."""
    settings, keys = opened(place, stream=APART)
    parts = [Part(settings, tmp_path / f"{c}.log", c, forked=forked) for c in ("serve", "stream")]
    return settings, keys, parts


def killed_under_load(fault, service, kills, seed, harm=None):
    """Kill so many times, each time in the middle of the load; return what came of it.

    `harm(draw, part)` ends a part or one of its processes, and returns whether it is to be started
    again; without it the whole part is killed.
    """
    settings, keys, parts = service
    draw = random.Random(seed)
    for part in parts:
        part.start()
    for part in parts:
        part.when_ready()
    try:
        with Crowd(settings, keys.write_key, seed) as crowd:
            for _ in range(kills):
                _kill_one(draw, draw.choice(parts), harm or kill_all)
            for part in parts:
                part.when_ready()
            crowd.finish()
        if settings.stream == APART:
            until(lambda: is_folded(settings), "the stream to have folded everything")
    finally:
        for part in parts:
            part.stop()
    assert crowd.cut, "no request was ever cut off"
    return count(fault, settings, crowd)


def kill_all(draw, part):
    """Kill the process and all of its workers."""
    part.kill()
    return True


def kill_any(draw, part):
    """Kill a worker, the process that watches over the workers, or all of them."""
    choice = draw.randrange(3)
    if choice == 0:
        part.kill_worker(draw)
        return False
    (part.kill_leader if choice == 1 else part.kill)()
    return True


def _kill_one(draw, part, harm):
    if draw.random() < _DURING_START:
        time.sleep(draw.uniform(0, _START_SECONDS))
    else:
        part.when_ready()
        time.sleep(draw.uniform(0, _LOAD_SECONDS))
    if harm(draw, part):
        part.start()
