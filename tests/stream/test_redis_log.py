"""What only the log in Redis can meet: a death between two steps, another salt, an old layout."""

from contextlib import closing
from dataclasses import replace
from datetime import timedelta

import pytest
from histories import START
from redis import Redis

from domain.errors import Conflict
from domain.events import Event
from domain.settings import Settings
from feature_repo.backends import open_log


@pytest.fixture
def outgrown(redis_server, tmp_path):
    redis_server.empty()
    return Settings(home=tmp_path, event_log=redis_server.url)


def said(message_id, customer, mail):
    at = START + timedelta(hours=len(message_id))
    return Event(message_id, "identify", at, at, customer, traits={"email": mail})


def test_what_a_process_stored_and_did_not_stitch_the_next_one_stitches(outgrown):
    with closing(open_log(outgrown)) as dying, closing(open_log(outgrown)) as other:
        dying._identity.settle = lambda: None  # it ends right behind the storing
        dying.store([said("a", "bob", "team@shop.example"), said("bb", "ann", "team@shop.example")])
        assert other.canonical_of("bob") == "bob"
        number, changed = other.restitched(0)  # as whoever folds asks
        assert changed == {"bob": "ann"} and other.restitched(number)[1] == {}
        assert other.canonical_of("bob") == "ann"


def test_an_erasure_that_another_process_made_counts_at_once(outgrown):
    with closing(open_log(outgrown)) as log, closing(open_log(outgrown)) as other:
        gone = [said("a", "vic", "vic@gone.example")]
        log.store(gone)
        other.erase("vic")
        assert log.store([*gone, said("bb", "vic", "vic@gone.example")]).is_new == [False, False]
        assert log.summary().events == 0 and log.store([said("c", "ann", "x")]).is_new == [True]


def test_a_log_of_another_salt_is_refused(outgrown, tmp_path):
    open_log(outgrown).close()
    with pytest.raises(Conflict, match=r"copy the file identity\.salt"):
        open_log(replace(outgrown, home=tmp_path / "other"))


def test_a_log_of_an_old_layout_is_refused(outgrown):
    with Redis.from_url(outgrown.event_log) as client:
        client.hset("nextbest:log:about", "seq", 7)
    with pytest.raises(Conflict, match="laid out by another version"):
        open_log(outgrown)
