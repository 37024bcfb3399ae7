from datetime import UTC, datetime

from domain.events import Event
from domain.settings import Settings
from feature_repo.backends import open_log
from training.doctor import examine_all

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def recorded(settings, *kinds):
    log = open_log(settings)
    log.append([Event(f"m{n}", kind, NOW, NOW, customer_id="ada") for n, kind in enumerate(kinds)])
    log.close()


def finding(settings, topic):
    return next(f for f in examine_all(settings, NOW) if f.topic == topic)


def test_names_that_nobody_knows_are_listed_though_nothing_was_built_yet(tmp_path):
    settings = Settings(home=tmp_path)
    recorded(settings, "search", "Blender Polished", "Blender Polished", "Signed Out")
    found = finding(settings, "event names")
    assert found.what.endswith("'Blender Polished' (2), 'Signed Out' (1)")
    assert "4 events" in finding(settings, "events").what


def test_the_doctor_makes_no_home_where_there_is_none(tmp_path):
    assert finding(Settings(home=tmp_path / "none"), "events").level == "bad"
    assert not (tmp_path / "none").exists()
