"""A server whose clock is set back and forth under load, by libfaketime."""

import random
import time
import urllib.request
from collections import Counter
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from itertools import count as numbers
from pathlib import Path

from crowd import Crowd
from receivers import receiver
from services import Part, ask, opened, until
from tally import count

_LIBRARY = Path("/usr/lib")
_STEPS = ("-3h", "+400d", "-2d", "+90m", "-1h")  # away from the right time, one after the other
_SEGMENT = {
    "name": "Buyers of the test",
    "rule": {"field": "order_count", "operator": ">=", "value": 1},
}


def faketime():
    """Return the library that sets clocks, None where it is not installed."""
    return next(iter(sorted(_LIBRARY.glob("*/faketime/libfaketimeMT.so.1"))), None)


class Clock:
    """The clock of processes with this environment; like a real one it leaves timers alone."""

    def __init__(self, file):
        self._file = file
        self.set("+0")
        self.environment = {
            "LD_PRELOAD": str(faketime()), "FAKETIME_TIMESTAMP_FILE": str(file),
            "FAKETIME_CACHE_DURATION": "1", "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1", "NO_FAKE_STAT": "1",
            "FAKETIME_FORCE_MONOTONIC_FIX": "0",  # else most of the time goes to timers
        }  # fmt: skip

    def set(self, offset):
        """Set it so far from the right time; it is noticed within a second."""
        draft = self._file.with_suffix(".new")
        draft.write_text(f"{offset}\n")
        draft.replace(self._file)


def stepped_under_load(place, tmp_path, seed, steps=_STEPS):
    """Step the clock in mid load; after each step a segment and its webhook still follow."""
    clock = Clock(tmp_path / "clock")
    settings, keys = opened(place, webhook_retry_seconds=3.0)
    part = Part(
        settings, tmp_path / "serve.log", "serve", forked=False, environment=clock.environment
    )
    part.start()
    part.when_ready()
    try:
        with receiver() as there, Crowd(settings, keys.write_key, seed, clients=2) as crowd:
            buyers = Buyers(settings, keys, there)
            buyers.begin()
            draw = random.Random(seed)
            for step in steps:
                _step(settings, clock, step)
                time.sleep(draw.uniform(0.0, 0.5))
                buyers.one_more()
                assert shows(settings, step), f"the clock did not stay at {step}"
            _end_in_the_future(settings, clock, part, buyers)
            crowd.finish()
    finally:
        part.stop()
    return count("clock stepped back and forth", settings, crowd, buyers)


def shows(settings, step):
    """Return whether the server tells the time that a step such as `-3h` sets."""
    with urllib.request.urlopen(f"http://127.0.0.1:{settings.port}/health/live", timeout=60) as got:
        shown = parsedate_to_datetime(got.headers["Date"])
    unit = {"d": "days", "h": "hours", "m": "minutes"}[step[-1]]
    expected = datetime.now(UTC) + timedelta(**{unit: int(step[:-1])})
    return abs(shown - expected) < timedelta(minutes=5)


def _step(settings, clock, step):
    """Set the clock and return when the server tells the new time.

    A message made before it was noticed, and refused after, would be 400 days old and given up.
    """
    clock.set(step)
    until(lambda: shows(settings, step), f"the server to be at {step}", 30)


def _end_in_the_future(settings, clock, part, buyers):
    """Kill the server while its clock is ahead and a message waits there; then set it right."""
    _step(settings, clock, "+400d")
    buyers.one_more(answers=[500])
    _step(settings, clock, "+0d")
    buyers.all_told()
    _step(settings, clock, "+400d")
    buyers.one_more()
    part.kill()
    clock.set("+0")
    part.start()
    part.when_ready()
    buyers.one_more()


class Buyers:
    """People who buy one after the other, each of whom is told of to a webhook."""

    def __init__(self, settings, keys, there):
        self._settings, self._keys, self._there = settings, keys, there
        self._numbers = numbers()
        self._expected = []  # who must be told of
        self.sent, self.acknowledged, self.told_stored = {}, set(), Counter()
        status, segment = ask(settings, keys.secret_key, "/v1/segments", _SEGMENT)
        assert status == 201, segment
        hook = {"url": there.url, "segments": [segment["key"]]}
        status, made = ask(settings, keys.secret_key, "/v1/webhooks", hook)
        assert status == 201, made

    def begin(self):
        """Return once the segment is live; who was in it as it began has not entered it."""
        until(lambda: self._is_told_of(self._buys()), "the segment to be live", 60)

    def one_more(self, answers=()):
        """Let somebody buy now, by the clock of the server; return when the webhook was told.

        `answers` are the statuses that the webhook gives first; if there are any, return as soon as
        they were given.
        """
        self._there.answers, before = list(answers), len(self._there.got)
        who = self._buys()
        self._expected.append(who)
        if answers:
            until(lambda: len(self._there.got) >= before + len(answers), "an attempt", 15)
        else:
            self.all_told()
        status, profile = ask(self._settings, self._keys.secret_key, f"/v1/profiles/{who}")
        assert status == 200 and profile["behaviour"]["order_count"] == 1, profile

    def all_told(self):
        """Return when the webhook knows of everybody."""
        for who in self._expected:
            until(lambda who=who: self._is_heard(who), f"a webhook that tells of {who}", 60)

    def _buys(self):
        who = f"buyer-{next(self._numbers)}"
        bought = {"type": "track", "event": "purchase", "messageId": who, "userId": who}
        status, said = ask(self._settings, self._keys.write_key, "/v1/track", bought)
        assert status == 200, said
        self.sent[who] = bought
        self.acknowledged.add(who)
        return who

    def _is_told_of(self, who):
        deadline = time.monotonic() + 2.0
        while not self._is_heard(who) and time.monotonic() < deadline:
            time.sleep(0.02)
        return self._is_heard(who)

    def _is_heard(self, who):
        return any(f'"{who}"'.encode() in body for body in self._there.accepted)
