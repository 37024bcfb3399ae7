import pytest

from domain.errors import TooManyRequests
from serving.rate_limit import RateLimit

TRACK = {"userId": "ada", "event": "search"}


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def limited(tmp_path):
    """Make limits over one home; each is what one worker has."""
    made = []

    def make(per_second, burst, clock):
        made.append(RateLimit(per_second, burst, tmp_path, clock))
        return made[-1]

    yield make
    for limit in made:
        limit.close()


def test_a_key_may_send_its_burst_and_then_its_rate(limited):
    clock = Clock()
    limit = limited(10, 30, clock)
    limit.charge("a", 30)
    with pytest.raises(TooManyRequests) as fault:
        limit.charge("a", 25)
    assert fault.value.retry_after_seconds == 3
    limit.charge("b", 30)  # another key has a bucket of its own
    clock.now += 2.5
    limit.charge("a", 25)
    with pytest.raises(TooManyRequests):
        limit.charge("a", 1)


def test_asking_costs_nothing_but_is_refused_when_nothing_is_left(limited):
    limit = limited(10, 2, Clock())
    for _ in range(100):
        limit.charge("a", 0)
    limit.charge("a", 2)
    with pytest.raises(TooManyRequests):
        limit.charge("a", 0)


def test_a_batch_larger_than_the_bucket_needs_a_full_one_and_leaves_a_debt(limited):
    clock = Clock()
    limit = limited(10, 20, clock)
    limit.charge("a", 100)
    with pytest.raises(TooManyRequests) as fault:
        limit.charge("a", 1)
    assert fault.value.retry_after_seconds == 9
    clock.now += 8.2
    limit.charge("a", 1)


def test_no_rate_is_no_limit(limited):
    limit = limited(0, 1, Clock())
    for _ in range(1000):
        limit.charge("a", 1000)


def test_workers_share_what_a_key_may_send(limited):
    clock = Clock()
    one, two = limited(10, 30, clock), limited(10, 30, clock)
    one.charge("a", 20)
    two.charge("a", 10)
    for worker in (one, two):
        with pytest.raises(TooManyRequests):
            worker.charge("a", 1)
    clock.now += 1
    two.charge("a", 10)
    with pytest.raises(TooManyRequests):
        one.charge("a", 1)


def test_a_machine_that_started_anew_fills_the_buckets(limited):
    clock = Clock()
    limit = limited(0.001, 5, clock)
    limit.charge("a", 5)
    clock.now = 3.0
    limit.charge("a", 5)


def test_many_keys_find_room_and_the_busy_one_is_remembered(limited):
    clock = Clock()
    limit = limited(0.001, 5, clock)
    for n in range(300):
        clock.now += 0.01
        limit.charge(f"key-{n}", 1)
        if n < 4:
            limit.charge("busy", 1)
        elif n < 290:
            limit.charge("busy", 0)
    with pytest.raises(TooManyRequests):
        limit.charge("busy", 3)


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
