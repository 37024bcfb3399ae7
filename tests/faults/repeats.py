"""Scenes in which clients send the same, or all sorts of it, at the same time."""

import random

from crowd import Crowd
from load import load, message


def same_batches(settings, keys, seed, batches=10, size=40):
    """Four clients at once send the same batches, each of them five times."""
    events = [message(e) for e in load(f"same-{seed}", batches * size, people=40)]
    cut = [events[n : n + size] for n in range(0, len(events), size)]
    share = [batch for batch in cut for _ in range(5)]
    crowd = Crowd(settings, keys.write_key, seed, shares=[share] * 4).start()
    crowd.join()
    assert sum(crowd.told_stored.values()) == len(events)
    return crowd


def shuffled(settings, keys, seed, count=2_000, clients=4):
    """Several clients send events of 48 hours in no order, in batches of any size, some twice."""
    draw = random.Random(seed)
    events = [message(e) for e in load(f"shuffled-{seed}", count, people=60)]
    hands = [events[n::clients] + draw.sample(events, count // 10) for n in range(clients)]
    for hand in hands:
        draw.shuffle(hand)
    shares = [list(_cut(draw, hand)) for hand in hands]
    crowd = Crowd(settings, keys.write_key, seed, shares=shares).start()
    crowd.join()
    return crowd


def _cut(draw, hand):
    while hand:
        size = draw.randrange(1, 60)
        yield hand[:size]
        hand = hand[size:]
