"""The judge of the fault tests finds what is lost, doubled, altered, unfolded or folded wrongly."""

from collections import Counter
from contextlib import closing
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from load import load, message
from tally import count

from domain.behaviour import State
from domain.settings import EMBEDDED, Settings
from feature_repo.backends import open_features, open_log
from feature_repo.stream import Recorder
from serving.collector import to_event


@pytest.fixture
def place(tmp_path):
    return Settings(home=tmp_path, event_log=EMBEDDED, online_store=EMBEDDED)


def told(messages):
    """What a crowd knows that sent these messages and had each acknowledged."""
    sent = {m["messageId"]: m for m in messages}
    return SimpleNamespace(sent=sent, acknowledged=set(sent), told_stored=Counter(sent.keys()))


def stored(place, messages, *, folds=True):
    with closing(open_log(place)) as log, closing(open_features(place)) as features:
        now = datetime.now(UTC)
        Recorder(log, features, folds=folds).record([to_event(m, now) for m in messages])


def test_what_a_judge_must_find_it_finds(place):
    messages = [message(e) for e in load(1, 30)]
    stored(place, messages[:29])
    crowd = told(messages[:29])
    assert count("none", place, crowd).is_clean

    lost = count("one lost", place, told(messages))
    assert (lost.acknowledged, lost.found, lost.missing) == (30, 29, 1) and not lost.is_clean

    altered = told(messages[:29])
    altered.sent[messages[0]["messageId"]] = messages[0] | {"event": "another"}
    assert count("one altered", place, altered).missing == 1

    crowd.told_stored[messages[0]["messageId"]] += 1
    assert count("one stored twice", place, crowd).doubled == 1


def test_a_state_that_is_not_the_fold_of_its_events_is_found(place):
    messages = [message(e) for e in load(2, 30)]
    stored(place, messages)
    with closing(open_features(place)) as features:
        features.write_states([("c1", State().to_json(), datetime.now(UTC))])
    found = count("one state lost", place, told(messages))
    assert found.states_wrong == 1 and not found.is_clean


def test_what_the_service_left_unfolded_is_found(place):
    messages = [message(e) for e in load(3, 30)]
    stored(place, messages, folds=False)
    found = count("nothing folded", place, told(messages))
    assert found.unfolded == 1 and not found.is_clean
