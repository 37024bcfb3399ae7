import pytest

from domain.errors import TooManyRequests
from serving.rate_limit import RateLimit

TRACK = {"userId": "ada", "event": "search"}


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_a_key_may_send_its_burst_and_then_its_rate():
    clock = Clock()
    limit = RateLimit(10, 30, clock)
    limit.charge("a", 30)
    with pytest.raises(TooManyRequests) as fault:
        limit.charge("a", 25)
    assert fault.value.retry_after_seconds == 3
    limit.charge("b", 30)  # another key has a bucket of its own
    clock.now += 2.5
    limit.charge("a", 25)
    with pytest.raises(TooManyRequests):
        limit.charge("a", 1)


def test_asking_costs_nothing_but_is_refused_when_nothing_is_left():
    limit = RateLimit(10, 2, Clock())
    for _ in range(100):
        limit.charge("a", 0)
    limit.charge("a", 2)
    with pytest.raises(TooManyRequests):
        limit.charge("a", 0)


def test_a_batch_larger_than_the_bucket_needs_a_full_one_and_leaves_a_debt():
    clock = Clock()
    limit = RateLimit(10, 20, clock)
    limit.charge("a", 100)
    with pytest.raises(TooManyRequests) as fault:
        limit.charge("a", 1)
    assert fault.value.retry_after_seconds == 9
    clock.now += 8.2
    limit.charge("a", 1)


def test_no_rate_is_no_limit():
    limit = RateLimit(0, 1, Clock())
    for _ in range(1000):
        limit.charge("a", 1000)


def test_a_batch_costs_its_events_and_the_answer_says_when_to_come_back(play):
    async def scene(shop):
        batch = {"batch": [{"type": "track", **TRACK}] * 8}
        assert (await shop.post("/v1/batch", batch, "write")).status_code == 200
        found = await shop.post("/v1/batch", batch, "write")
        assert (found.status_code, found.json()["code"]) == (429, "too_many_requests")
        assert found.headers["Retry-After"] == found.headers["X-RateLimit-Reset"] == "60"
        assert (await shop.post("/v1/batch", batch, "secret")).status_code == 200
        assert (await shop.post("/v1/track", TRACK, "write")).status_code == 200
        assert (await shop.post("/v1/track", TRACK, "write")).status_code == 200
        nonsense = await shop.ask("POST", "/v1/track", "write", content=b"{")
        assert nonsense.status_code == 429  # it is not even read
        assert shop.runtime.log.summary().events == 18

    play(scene, rate_events_per_second=0.1, rate_burst=10)
