"""kill -9 of server, workers and stream under HTTP load: nothing lost, nothing doubled."""

import pytest
from kills import apart, kill_any, killed_under_load, serving

from domain.settings import EMBEDDED, Settings

pytestmark = pytest.mark.slow


def test_a_server_killed_under_load_loses_and_doubles_nothing(place, tmp_path):
    found = killed_under_load("server", serving(place, tmp_path), kills=4, seed=1)
    assert found.is_clean and found.acknowledged, found


def test_a_stream_killed_beside_its_server_loses_and_doubles_nothing(place, tmp_path):
    found = killed_under_load("server or stream", apart(place, tmp_path), kills=4, seed=2)
    assert found.is_clean and found.acknowledged, found


def test_workers_and_their_leader_killed_one_by_one(tmp_path):
    place = Settings(home=tmp_path, event_log=EMBEDDED, online_store=EMBEDDED)
    service = serving(place, tmp_path, workers=2, forked=False)
    found = killed_under_load("one of two workers", service, kills=3, seed=3, harm=kill_any)
    assert found.is_clean and found.acknowledged, found
