"""A full disk: nothing is acknowledged that cannot be kept, and it passes without a restart."""

import pytest
from full_disk import SmallDisk, SmallFiles, full_under_load, small_disk
from services import ask

from domain.settings import EMBEDDED, Settings

pytestmark = pytest.mark.slow


def look(settings, keys, crowd):
    """What clients are told while nothing can be written; what only reads is still answered."""
    status, body, headers = crowd.refusals[-1]
    assert status == 503 and body["code"] == "store_unavailable", body
    assert "disk" in body["message"] and str(settings.home) in body["message"], body
    assert int(headers["Retry-After"]) > 0
    person = next(m["userId"] for m in crowd.sent.values() if m["userId"])
    status, profile = ask(settings, keys.secret_key, f"/v1/profiles/{person}")
    assert status == 200 and profile["behaviour"]["event_count"] > 0
    asked = {"customer_id": person}
    status, listed = ask(settings, keys.write_key, "/v1/recommendations", asked)
    assert status == 200 and "items" in listed


@pytest.fixture(params=["tmpfs", "file size"])
def space(request, tmp_path):
    if request.param == "file size":
        yield SmallFiles(tmp_path / "home")
        return
    with small_disk(tmp_path / "disk") as found:
        if found is None:
            pytest.skip("mounting a small disk needs root, which this process is not")
        yield found


def test_a_full_disk_refuses_clearly_and_loses_nothing(space, tmp_path):
    place = Settings(home=space.home, event_log=EMBEDDED, online_store=EMBEDDED)
    found = full_under_load(space, place, tmp_path, seed=5, look=look)
    assert found.is_clean and found.acknowledged, found


def test_a_small_disk_is_really_full(tmp_path):
    with small_disk(tmp_path / "disk") as found:
        if found is None:
            pytest.skip("mounting a small disk needs root, which this process is not")
        assert isinstance(found, SmallDisk)
        found.fill(None)
        with pytest.raises(OSError, match="No space left"):
            (tmp_path / "disk" / "more").write_bytes(b"x")
        found.empty(None)
        (tmp_path / "disk" / "more").write_bytes(b"x")
