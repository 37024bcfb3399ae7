"""Clients that send events over HTTP until each is acknowledged, and keep count of everything."""

import http.client
import itertools
import json
import random
import threading
import time
from collections import Counter

from load import an_event, message

PEOPLE = 150  # in a load without an end
_AGAIN = 0.1  # share of the requests that are sent once more although they were acknowledged


def endless(draw, name):
    """Yield batches of one to twenty messages for ever."""
    numbers = itertools.count()
    while True:
        size = draw.randrange(1, 21)
        yield [message(an_event(draw, f"{name}-{next(numbers)}", PEOPLE)) for _ in range(size)]


class Crowd:
    """Several clients at once; each sends the next batch when the last one is acknowledged."""

    def __init__(self, settings, key, seed, shares=None, clients=4, label="load"):
        """`shares` are the batches of each client; without it each sends until it is ended."""
        self._port, self._key = settings.port, key
        draws = [
            random.Random(f"{seed}/{n}") for n in range(clients if shares is None else len(shares))
        ]
        self._work = [
            (draw, endless(draw, f"{label}-{seed}-{n}") if shares is None else iter(shares[n]))
            for n, draw in enumerate(draws)
        ]
        self._ended, self._given_up = threading.Event(), threading.Event()
        self._lock = threading.Lock()
        self._threads = []
        self.sent = {}  # message id -> message
        self.acknowledged = set()
        self.told_stored = Counter()  # message id -> how often the answer was "stored"
        self.refusals = []  # (status, body, headers) of answers other than 200
        self.cut = 0  # requests whose connection broke
        self.strange = []  # answers that no client should ever get

    def start(self):
        self._threads = [
            threading.Thread(target=self._send_all, args=work, daemon=True) for work in self._work
        ]
        for thread in self._threads:
            thread.start()
        return self

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self._given_up.set()

    def finish(self, seconds=120):
        """Begin nothing new; return when all that was begun is acknowledged."""
        self._ended.set()
        self.join(seconds)

    def join(self, seconds=120):
        deadline = time.monotonic() + seconds
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
            assert not thread.is_alive(), f"not acknowledged in time; refused: {self.refusals[-1:]}"
        assert not self.strange, self.strange[:3]
        assert self.acknowledged == set(self.sent)

    def _send_all(self, draw, batches):
        wire, done = _Wire(self._port, self._key), []
        for batch in batches:
            self._send(wire, draw, batch)
            done.append(batch)
            if draw.random() < _AGAIN:  # as a client does that did not hear the answer
                self._send(wire, draw, draw.choice(done))
            if self._ended.is_set() or self._given_up.is_set():
                break
        wire.close()

    def _send(self, wire, draw, batch):
        """Send until it is acknowledged."""
        with self._lock:
            self.sent.update((m["messageId"], m) for m in batch)
        while not self._given_up.is_set() and not self._is_taken(wire, batch):
            time.sleep(draw.uniform(0.01, 0.05))

    def _is_taken(self, wire, batch):
        try:
            status, headers, body = wire.post(batch)
        except (OSError, http.client.HTTPException, ValueError):
            wire.close()
            self.cut += 1
            return False
        with self._lock:
            if status == 200:
                self._note(batch, body)
            else:
                self.refusals.append((status, body, headers))
        return status == 200

    def _note(self, batch, body):
        results = body.get("results", [body])
        self.strange += [r for r in results if r["status"] not in ("stored", "duplicate")]
        ids = [m["messageId"] for m in batch]
        if [r["messageId"] for r in results] != ids:
            self.strange.append(body)
        self.acknowledged.update(ids)
        self.told_stored.update(r["messageId"] for r in results if r["status"] == "stored")


class _Wire:
    """One connection, opened again after it broke."""

    def __init__(self, port, key):
        self._port, self._key = port, key
        self._connection = None

    def post(self, batch):
        """Return status, headers and body of the answer; one event goes by itself."""
        path, body = ("track", batch[0]) if len(batch) == 1 else ("batch", {"batch": batch})
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        headers = {"Authorization": f"Bearer {self._key}", "Content-Type": "application/json"}
        self._connection.request("POST", f"/v1/{path}", json.dumps(body), headers)
        answer = self._connection.getresponse()
        return answer.status, answer.headers, json.loads(answer.read())

    def close(self):
        if self._connection is not None:
            self._connection.close()
            self._connection = None
