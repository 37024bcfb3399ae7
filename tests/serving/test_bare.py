"""Before the first release: the items of the log, looked at again and again."""

from contextlib import closing
from datetime import UTC, datetime

import pytest

from domain.events import Event, Line
from feature_repo.event_log import EventLog
from serving.bare import ItemsOfLog

AT = datetime(2026, 1, 1, tzinfo=UTC)


def event(n, kind, item, price):
    return Event(f"m{n}", kind, AT, AT, "c1", lines=(Line(item, 1.0, price),))


@pytest.fixture
def log(tmp_path):
    with closing(EventLog(tmp_path)) as log:
        yield log


def shown(table):
    return dict(zip(table.ids, zip(table.prices, table.popularity, strict=True), strict=True))


def test_many_looks_see_what_one_look_sees(log):
    looking = ItemsOfLog(log)
    assert looking.table().ids == []
    for n in range(12):
        log.append([event(n, "purchase" if n % 4 == 0 else "item-view", f"i{n % 3}", float(n))])
        found = looking.table()
    assert shown(found) == shown(ItemsOfLog(log).table())
    assert shown(found) == {
        "i0": (9.0, pytest.approx(1.03)),
        "i1": (10.0, pytest.approx(1.03)),
        "i2": (11.0, pytest.approx(1.03)),
    }


def test_only_the_latest_events_count(log):
    looking = ItemsOfLog(log, most=10)
    log.append([event(n, "item-view", "old", 1.0) for n in range(8)])
    assert shown(looking.table())["old"][1] == pytest.approx(0.08)
    log.append([event(n, "item-view", "new", 1.0) for n in range(100, 109)])
    assert shown(looking.table()) == {"new": (1.0, pytest.approx(0.09))}
