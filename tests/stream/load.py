"""A load of events, and processes that record it until they are done or killed."""

import multiprocessing
import os
import random
import time
from contextlib import closing
from datetime import timedelta

from histories import START

from domain.events import Event, Line
from feature_repo.backends import open_features, open_log
from feature_repo.event_rows import to_event
from feature_repo.stream import Recorder

_KINDS = ("page-view", "item-view", "add-to-cart", "purchase", "email-click", "user-login")

crew = multiprocessing.get_context("forkserver")  # real processes, without a new import of Feast
crew.set_forkserver_preload(
    ["feature_repo.backends", "feature_repo.stream", "feature_repo.folding_loop", "serving.process"]
)


def load(seed, count, *, people=6, keys=False):
    """Return events of few people on few devices, in no order of time, within 48 hours.

    With `keys` some show an e-mail address, which may make them one person with another.
    """
    draw = random.Random(seed)
    return [an_event(draw, f"{seed}-{n}", people, keys) for n in range(count)]


def an_event(draw, message_id, people, keys=False):
    at = START + timedelta(seconds=draw.randrange(48 * 3600))
    kind = draw.choice(_KINDS)
    customer = f"c{draw.randrange(people)}" if draw.random() < 0.5 or kind == "purchase" else None
    device = (
        f"d{draw.randrange(people * 3 // 2)}" if customer is None or draw.random() < 0.4 else None
    )
    lines = (Line(f"i{draw.randrange(5)}", 1.0, 9.5),)
    value = 9.5 if kind == "purchase" else None
    mail = f"e{draw.randrange(4)}@{message_id.split('-')[0]}.example"
    traits = {"email": mail} if keys and customer and draw.random() < 0.1 else {}
    return Event(message_id, kind, at, at, customer, device, lines, value, traits=traits)


def message(event):
    """Return an event as a client sends it."""
    return {
        "type": "track", "event": event.kind, "messageId": event.message_id,
        "userId": event.customer_id, "anonymousId": event.anonymous_id,
        "timestamp": event.at.isoformat(),
        "properties": {"products": [
            {"product_id": line.item_id, "quantity": line.quantity, "price": line.unit_price}
            for line in event.lines
        ]},
    }  # fmt: skip


def batches(events, seed):
    """Cut events into requests of one to seven."""
    draw, rest = random.Random(seed), list(events)
    while rest:
        n = draw.randrange(1, 8)
        yield rest[:n]
        rest = rest[n:]


def record(settings, events, told, seed=0):
    """Record events request by request; write down each that was acknowledged, at once."""
    log, features = open_log(settings), open_features(settings)
    recorder = Recorder(log, features)
    file = os.open(told, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.write(file, b"ready\n")
    for batch in batches(events, seed):
        recorder.record(batch)
        os.write(file, "".join(f"{e.message_id}\n" for e in batch).encode())


def acknowledged(told):
    """Return the message ids that a recording process wrote down."""
    return told.read_text().split()[1:] if told.exists() else []


def when_ready(told):
    """Return once a recording process has begun."""
    deadline = time.monotonic() + 60
    while not (told.exists() and told.stat().st_size) and time.monotonic() < deadline:
        time.sleep(0.005)


def finish(processes):
    for process in processes:
        process.join(120)
        assert process.exitcode == 0


def settled(settings, judge):
    """Fold what is left, and hand log, features and all events of the log to `judge`."""
    with closing(open_log(settings)) as log, closing(open_features(settings)) as features:
        Recorder(log, features).catch_up()
        events = [to_event(row[1:]) for row in log.rows_after(0, 1_000_000)]
        assert len({e.message_id for e in events}) == len(events)
        judge(log, features, events)
        return events
