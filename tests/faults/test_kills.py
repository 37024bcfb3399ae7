"""kill -9 of server and stream under HTTP load: nothing lost, nothing doubled.

A few kills; `python bench/faults.py` does a hundred, also of workers and of their leader.
"""

import pytest
from kills import apart, killed_under_load, serving

pytestmark = pytest.mark.slow


def test_a_server_killed_under_load_loses_and_doubles_nothing(place, tmp_path):
    found = killed_under_load("server", serving(place, tmp_path), kills=4, seed=1)
    assert found.is_clean and found.acknowledged, found


def test_a_stream_killed_beside_its_server_loses_and_doubles_nothing(place, tmp_path):
    found = killed_under_load("server or stream", apart(place, tmp_path), kills=4, seed=2)
    assert found.is_clean and found.acknowledged, found
