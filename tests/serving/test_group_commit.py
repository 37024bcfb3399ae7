"""Many requests share one commit; each gets its own results, whatever its neighbours hold."""

import asyncio
import logging
import threading
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.errors import Overloaded
from domain.events import Event
from serving.group_commit import MAX_COMMIT_EVENTS, GroupCommit
from serving.intake import Intake, events_in, outcomes_of

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
POISON = "poison"


def event(message_id: str) -> Event:
    return Event(message_id, "search", NOW, NOW, customer_id="ada")


class Notebook:
    """A recorder that keeps what it stores in memory, all of a call or none of it."""

    def __init__(self) -> None:
        self.calls: list[list[str]] = []
        self.stored: list[str] = []
        self.open = threading.Event()
        self.open.set()

    def record(self, events):
        self.open.wait(10)
        ids = [e.message_id for e in events]
        self.calls.append(ids)
        if POISON in ids:
            raise OSError("the disk does not like this one")
        new = []
        for message_id in ids:
            new.append(message_id not in self.stored)
            if new[-1]:
                self.stored.append(message_id)
        return new


def test_what_waits_during_a_commit_is_stored_by_the_next():
    async def scene():
        notebook = Notebook()
        commits = GroupCommit(notebook, 100)
        notebook.open.clear()
        first = asyncio.create_task(commits.record([event("first")]))
        await asyncio.sleep(0.01)
        asked = [asyncio.create_task(commits.record([event(f"m-{n}")])) for n in range(19)]
        await asyncio.sleep(0)
        notebook.open.set()
        assert await asyncio.gather(first, *asked) == [[True]] * 20
        assert [len(call) for call in notebook.calls] == [1, 19]
        commits.close()

    asyncio.run(scene())


def test_no_commit_is_larger_than_it_may_be_unless_one_request_is():
    async def scene():
        notebook = Notebook()
        commits = GroupCommit(notebook, 100_000)
        sizes = [1, 2_500, *[MAX_COMMIT_EVENTS // 2] * 3]
        notebook.open.clear()
        asked = [
            asyncio.create_task(commits.record([event(f"{n}-{i}") for i in range(size)]))
            for n, size in enumerate(sizes)
        ]
        await asyncio.sleep(0.01)
        notebook.open.set()
        await asyncio.gather(*asked)
        assert [len(call) for call in notebook.calls] == [1, 2_500, 1_000, 500]
        commits.close()

    asyncio.run(scene())


def test_more_than_may_wait_is_sent_away_and_nothing_of_it_is_stored():
    async def scene():
        notebook = Notebook()
        commits = GroupCommit(notebook, 3)
        notebook.open.clear()
        running = asyncio.create_task(commits.record([event("running")]))
        await asyncio.sleep(0.01)
        waiting = asyncio.create_task(commits.record([event("a"), event("b")]))
        await asyncio.sleep(0)
        with pytest.raises(Overloaded) as fault:
            await commits.record([event("c"), event("d")])
        assert fault.value.retry_after_seconds == 1
        notebook.open.set()
        assert (await running, await waiting) == ([True], [True, True])
        assert notebook.stored == ["running", "a", "b"]
        commits.close()

    asyncio.run(scene())


def test_a_client_that_goes_away_leaves_the_others_their_answers():
    async def scene():
        notebook = Notebook()
        commits = GroupCommit(notebook, 100)
        notebook.open.clear()
        asked = [asyncio.create_task(commits.record([event(f"m-{n}")])) for n in range(4)]
        await asyncio.sleep(0.01)
        asked[2].cancel()
        notebook.open.set()
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert isinstance(found[2], asyncio.CancelledError)
        assert [found[0], found[1], found[3]] == [[True]] * 3
        assert len(notebook.stored) == 4
        commits.close()

    asyncio.run(scene())


def test_after_closing_nobody_waits_for_ever():
    async def scene():
        commits = GroupCommit(Notebook(), 100)
        commits.close()
        with pytest.raises(RuntimeError):
            await commits.record([event("late")])

    asyncio.run(scene())


ids = st.sampled_from(["a", "b", "c", "d", "e", "f"])
message = st.one_of(
    ids.map(lambda i: {"type": "track", "userId": "ada", "event": "search", "messageId": i}),
    st.sampled_from([{"type": "buy"}, 5, {"type": "track", "messageId": "bad"}]),
)
batches = st.lists(
    st.one_of(st.lists(message, min_size=1, max_size=5), st.just([POISON])), min_size=1, max_size=8
)


@settings(max_examples=settings.default.max_examples // 2)
@given(batches)
def test_each_of_many_concurrent_batches_gets_exactly_its_own_results(given_batches):
    """Every id is new for exactly one of those that sent it; a failing request fails alone."""
    logging.getLogger("serving.group_commit").setLevel(logging.ERROR)

    async def ask(intake: Intake, batch):
        if batch == [POISON]:
            with pytest.raises(OSError, match="does not like"):
                await intake.record([event(POISON)])
            return []
        read = intake.read(batch, NOW)
        return outcomes_of(batch, read, await intake.record(events_in(read)))

    async def scene():
        notebook = Notebook()
        intake = Intake(notebook)
        found = await asyncio.gather(*(ask(intake, batch) for batch in given_batches))
        intake.close()
        return notebook, found

    notebook, found = asyncio.run(scene())
    new: list[str] = []
    for batch, outcomes in zip(given_batches, found, strict=True):
        for sent, outcome in zip(batch if outcomes else [], outcomes, strict=True):
            good = isinstance(sent, dict) and "event" in sent
            assert (outcome.status != "rejected") == good
            assert not good or outcome.message_id == sent["messageId"]
            new += [outcome.message_id] if outcome.status == "stored" else []
    sent_ids = {
        m["messageId"] for b in given_batches for m in b if isinstance(m, dict) and "event" in m
    }
    assert sorted(new) == sorted(sent_ids) == sorted(notebook.stored)
