"""A clock that is set back, and forward, and back again, under HTTP load."""

import pytest
from clock import faketime, stepped_under_load

from domain.settings import EMBEDDED, Settings

pytestmark = pytest.mark.slow


@pytest.mark.skipif(
    faketime() is None, reason="libfaketime is not installed (Debian: apt-get install faketime)"
)
def test_steps_of_the_clock_lose_nothing_and_stop_no_timer(tmp_path):
    place = Settings(home=tmp_path, event_log=EMBEDDED, online_store=EMBEDDED)
    found = stepped_under_load(place, tmp_path, seed=8, steps=("-3h", "+400d", "-1h"))
    assert found.is_clean and found.acknowledged, found
