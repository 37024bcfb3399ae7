"""Scenes in which Redis goes away, or has no room left, in the middle of load, and comes back."""

import random
import time

from crowd import Crowd
from full_disk import refusals_of
from kills import serving
from redis import Redis
from services import answers, until
from tally import count

from domain.settings import Settings


def settings_on(server, home):
    """Return settings of an empty home and an empty Redis, which holds log and states."""
    server.empty()
    return Settings(home=home, event_log=server.url, online_store=server.url)


def away_under_load(server, tmp_path, seed, times, look, forked=True):
    """Kill Redis and start it again so many times, at random points; the service just goes on.

    `look(settings, keys, crowd)` is called each time that Redis is away.
    """
    settings, keys, (part,) = serving(settings_on(server, tmp_path), tmp_path, forked=forked)
    draw = random.Random(seed)
    part.start()
    part.when_ready()
    try:
        with Crowd(settings, keys.write_key, seed) as crowd:
            for _ in range(times):
                time.sleep(draw.uniform(0.1, 0.8))
                refused = len(crowd.refusals)
                server.kill()
                until(lambda n=refused: len(crowd.refusals) > n, "Redis to be missed", 60)
                try:
                    look(settings, keys, crowd)
                finally:
                    server.start()
            crowd.finish()
        assert refusals_of(crowd) == {(503, "store_unavailable")}
        assert answers(settings, "/health/ready")
    finally:
        part.stop()
    return count("Redis stopped and started", settings, crowd)


def full_under_load(server, tmp_path, seed, look, forked=True):
    """Let Redis run out of memory in mid load, and give it room again."""
    settings, keys, (part,) = serving(settings_on(server, tmp_path), tmp_path, forked=forked)
    part.start()
    part.when_ready()
    try:
        with Crowd(settings, keys.write_key, seed) as crowd, Redis.from_url(server.url) as client:
            until(lambda: len(crowd.acknowledged) > 300, "the load to be taken", 60)
            client.config_set("maxmemory", 1)
            until(lambda: len(crowd.refusals) > 20, "Redis to be full", 60)
            try:
                look(settings, keys, crowd)
            finally:
                client.config_set("maxmemory", 0)
            crowd.finish()
        assert refusals_of(crowd) == {(503, "store_unavailable")}
    finally:
        part.stop()
    return count("Redis without memory", settings, crowd)
