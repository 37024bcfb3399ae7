"""Law 5, live: after any history, membership is what the SQL of the same rule says at that time."""

import itertools
import shutil
import tempfile
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from histories import DAYS, START, history, own_keys
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from live_shop import LiveShop, rule

from domain.events import to_micros
from domain.segment_sql import to_sql
from domain.segments import parse_rule
from feature_repo.build import make_feature_table
from feature_repo.lake import export
from feature_repo.state_tables import connect

RULES = {
    "silent": rule("days_since_last_event", ">", 7),
    "fading": rule("interest_count_7d", "<", 1),
    "cart": rule("cart_abandoned", "=", True),
    "spent": rule("spend_30d", ">", 100),
    "stage": rule("funnel_stage", "in", ["Lead", "Prospect"]),
    "nowhere": rule("country", "null"),
    "few": rule("order_count", "<", 2),
    "young": parse_rule(
        {"combinator": "or", "not": True, "rules": [
            {"field": "customer_age_days", "operator": "between", "value": [3, 9]},
            {"field": "active_day_count", "operator": ">", "value": 3}]}
    ),
}  # fmt: skip
_example = itertools.count()


@pytest.fixture(scope="module")
def made(registered):
    """One home for all examples; each has people of its own."""
    with tempfile.TemporaryDirectory() as folder:
        home = shutil.copytree(registered, Path(folder) / "home")
        with LiveShop(home) as shop:
            shop.only(**RULES)
            shop.live.catch_up(START)
            yield shop


def own(event, n):
    """Give the people and messages of one example names of their own."""
    return replace(
        event,
        message_id=f"{n}-{event.message_id}",
        customer_id=event.customer_id and f"{n}-{event.customer_id}",
        anonymous_id=event.anonymous_id and f"{n}-{event.anonymous_id}",
        traits=own_keys(event.traits, n),
    )


def by_sql(home, at):
    """Ask the SQL of every rule of the batch build at `at`."""
    with connect(home) as db:
        make_feature_table(db, to_micros(at))
        columns = {row[0]: row[1] for row in db.execute("DESCRIBE features").fetchall()}
        found = {}
        for key, asked in RULES.items():
            where, params = to_sql(asked, columns)
            sql = f"SELECT profile_id FROM features WHERE {where}"
            found[key] = {row[0] for row in db.execute(sql, params).fetchall()}
        return found


@settings(max_examples=settings.default.max_examples // 16, suppress_health_check=list(HealthCheck))
@given(history(25), st.lists(st.floats(0, DAYS), max_size=4), st.floats(0, 40))
def test_live_membership_is_that_of_the_sql_at_that_time(made, events, looks, later):
    n = next(_example)
    events = sorted((own(e, n) for e in events), key=lambda e: e.at)
    base = START + timedelta(days=200 * n)  # the clock of the shop never goes back
    events = [replace(e, at=e.at + timedelta(days=200 * n)) for e in events]
    moments = [base + timedelta(days=d) for d in sorted(looks)]
    for moment in [*moments, base + timedelta(days=DAYS)]:
        due = [e for e in events if e.at < moment]
        events = events[len(due) :]
        if due:
            made.recorder.record(due)
        made.live.catch_up(moment)
    if events:
        made.recorder.record(events)
    end = base + timedelta(days=DAYS + 1 + later)
    made.live.catch_up(end)
    export(made.log, made.home)
    expected = by_sql(made.home, end) if made.log.last_seq() else {key: set() for key in RULES}
    for key in RULES:
        assert made.membership.members(key) == expected[key], key


def test_the_journal_tells_the_membership(made):
    """Entered and left take turns for each profile, and who entered last is in."""
    for key in RULES:
        told: dict[str, str] = {}
        for who, op, _ in made.story(key):
            assert told.get(who, "left") != op
            told[who] = op
        still = {who for who, op in told.items() if op == "entered"}
        assert still <= made.membership.members(key)
