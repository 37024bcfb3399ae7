"""Redis gone or full under HTTP load: 503 that says so, and all is well when it is back."""

import pytest
from redis_away import away_under_load, full_under_load
from services import ask

pytestmark = pytest.mark.slow


def test_a_redis_that_goes_away_and_comes_back_loses_nothing(redis_server, tmp_path):
    def look(settings, keys, crowd):
        _, body, headers = crowd.refusals[-1]
        assert body["message"].startswith(f"Redis at 127.0.0.1:{redis_server.port}")
        assert "does not answer" in body["message"]
        assert int(headers["Retry-After"]) > 0
        assert ask(settings, keys.secret_key, "/health/live")[0] == 200
        status, listed = ask(settings, keys.secret_key, "/v1/recommendations", WHO)
        assert status == 200 and "cannot be looked up" in listed["fallback_reason"], listed
        status, action = ask(settings, keys.secret_key, "/v1/next-best-action", WHO)
        assert status == 200 and action["action"] is None and action["fallback"], action
        assert ask(settings, keys.secret_key, "/v1/profiles/c1")[0] == 503
        status, made = ask(settings, keys.secret_key, "/v1/decide", DECIDE)
        assert status == 200 and made["events"]["failed"] == 1, made

    found = away_under_load(redis_server, tmp_path, seed=6, times=3, look=look)
    assert found.is_clean and found.acknowledged, found


def test_a_redis_without_memory_refuses_clearly_and_loses_nothing(redis_server, tmp_path):
    def look(settings, keys, crowd):
        _, body, headers = crowd.refusals[-1]
        assert "takes no writes" in body["message"] and "maxmemory" in body["message"]
        assert int(headers["Retry-After"]) > 0

    found = full_under_load(redis_server, tmp_path, seed=7, look=look)
    assert found.is_clean and found.acknowledged, found


WHO = {"customer_id": "c1"}
DECIDE = {
    "customer_id": "c1",
    "events": [{"type": "track", "event": "search"}],
    "want": {"recommendations": [{"placement": "home", "limit": 3, "log": False}]},
}
