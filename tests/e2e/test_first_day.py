"""A shop's first day over HTTP: import, train, release, serve, and lists that follow events."""

import csv
import io
import json
import os
import random
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from domain.scores import flat_record
from feature_repo.store import Features

pytestmark = pytest.mark.slow
CUSTOMERS, ITEMS, DAYS = 400, 40, 240

MAPPING = """
name = "first-day"
about = "Orders and views of two kinds of customers."
[time]
column = "time"
format = "iso"
zone = "UTC"
[kind]
column = "what"
values = { bought = "purchase", viewed = "item-view" }
[columns]
customer = "customer"
item = "item"
quantity = "n"
unit_price = "price"
[item]
title = "title"
category = "category"
brand = "brand"
"""


def write_export(path: Path, now: datetime) -> None:
    """Write an export in which even customers buy tea things and odd ones garden things."""
    rng = random.Random(3)
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(
            ["customer", "item", "time", "what", "n", "price", "title", "category", "brand"]
        )
        for customer in range(CUSTOMERS):
            leaves = rng.choice([DAYS, DAYS, rng.randrange(60, DAYS)])
            day = rng.random() * 30
            while day < leaves:
                garden = (customer % 2) ^ (rng.random() < 0.1)
                item = rng.randrange(ITEMS // 2) * 2 + garden
                at = now - timedelta(days=DAYS - day)
                what = "bought" if rng.random() < 0.5 else "viewed"
                kind = "garden" if garden else "tea"
                rows.writerow(
                    [f"c{customer}", f"i{item}", at.isoformat(), what, 1, 5 + item,
                     f"{kind} {item}", kind, "acme"]
                )  # fmt: skip
                day += rng.expovariate(1 / (6 + customer % 7 * 4))


class Shop:
    """A home folder, its commands, and its service."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.home = home
        self.env = os.environ | {
            "NEXTBEST_HOME": str(home), "NEXTBEST_PORT": str(self.port), "COLUMNS": "300",
            "NEXTBEST_RELEASE_POLL_SECONDS": "0.2",
        }  # fmt: skip
        self.keys: dict[str, str] = {}

    def run(self, *words: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "nextbest", *words],
            env=self.env, capture_output=True, text=True, timeout=600,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def read_keys(self) -> None:
        lines = self.run("keys").splitlines()
        self.keys = {"public": lines[0].split()[-1], "secret": lines[1].split()[-1]}

    def ask(self, path: str, body: Any = None, key: str = "secret") -> dict[str, Any]:
        return json.loads(self.read(path, body, key))

    def read(self, path: str, body: Any = None, key: str = "secret") -> str:
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}",
            data=None if body is None else json.dumps(body).encode(),
            headers={
                "Authorization": f"Bearer {self.keys[key]}",
                "Content-Type": "application/json",
            },
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("first-day")
    write_export(folder / "export.csv", datetime.now(UTC))
    (folder / "map.toml").write_text(MAPPING)
    shop = Shop(folder / "home")
    shop.run("import", str(folder / "export.csv"), "--mapping", str(folder / "map.toml"))
    shop.run("build")
    shop.run("train")
    shop.run("score")
    shop.run("release")
    shop.run("serve", "--background")
    shop.read_keys()
    yield shop
    shop.run("stop")


def listed(shop: Shop, **who: Any) -> dict[str, Any]:
    return shop.ask("/v1/recommendations", {"limit": 6, **who}, key="public")


def test_lists_follow_the_tastes_of_the_customers(shop):
    categories = {"tea": 0, "garden": 0}
    for customer in range(0, 40, 2):
        for item in listed(shop, customer_id=f"c{customer}")["items"]:
            categories[item["category"]] += 1
    assert categories["tea"] > 2 * categories["garden"]


def test_an_event_changes_the_next_answer_of_a_new_visitor(shop):
    before = listed(shop, anonymous_id="new-visitor")
    assert before["fallback"] == "popular"
    shop.ask(
        "/v1/track",
        {"anonymousId": "new-visitor", "event": "Product Viewed", "messageId": "first-view",
         "properties": {"product_id": "i7"}, "timestamp": datetime.now(UTC).isoformat()},
        key="public",
    )  # fmt: skip
    after = listed(shop, anonymous_id="new-visitor")
    assert after["fallback"] is None
    assert [i["item_id"] for i in after["items"]] != [i["item_id"] for i in before["items"]]
    assert sum(i["category"] == "garden" for i in after["items"]) >= 4
    assert any(r["item_id"] == "i7" for i in after["items"] for r in i["reasons"])


def test_a_purchase_leaves_the_list_at_once(shop):
    first = listed(shop, customer_id="c4")["items"][0]["item_id"]
    shop.ask(
        "/v1/track",
        {"userId": "c4", "event": "Order Completed", "messageId": "bought-now",
         "properties": {"order_id": "o-now", "products": [{"product_id": first, "price": 9}]},
         "timestamp": datetime.now(UTC).isoformat()},
        key="public",
    )  # fmt: skip
    assert first not in [i["item_id"] for i in listed(shop, customer_id="c4")["items"]]


def test_a_profile_carries_traits_behaviour_scores_and_segments(shop):
    profile = shop.ask("/v1/profiles/c10")
    assert profile["profile_id"] == "c10"
    assert profile["behaviour"]["event_count"] > 0
    for score in profile["scores"].values():
        assert 1 <= score["percentile"] <= 100
        assert score["tier"] in "ABCDE"
        assert score["model_version"]
    assert profile["scores"]


def test_a_score_says_the_same_in_every_place(shop):
    """API, decision, export of a person, CSV of a segment, Feast online and its history."""
    records = shop.ask("/v1/profiles/c10")["scores"]
    assert {"churn", "clv_365"} <= set(records)  # clv_90 passes its gate or not
    for record in records.values():
        amount = "probability" if record["unit"] == "probability" else "amount"
        assert set(record) == {
            amount, "unit", "interval", "percentile", "tier", "tier_expected", "factors",
            "model_version", "scored_at", "reliability", "reliability_reason",
        }  # fmt: skip
        assert record["interval"][0] <= record[amount] <= record["interval"][1]
    decided = shop.ask("/v1/decide", {"customer_id": "c10", "want": {"scores": True}})
    assert decided["scores"]["models"] == records
    assert shop.ask("/v1/profiles/c10/export")["scores"] == records
    with closing(Features.open(shop.home)) as features:
        assert features.read("c10").scores == records
    history = (shop.home / "offline" / "scores").glob("*.parquet")
    kept = {i: json.loads(r) for f in history for i, r in columns(f, "profile_id", "records")}
    assert kept["c10"] == records
    releases = shop.home / "releases"
    table = releases / (releases / "current").read_text().strip() / "profiles.parquet"
    (row,) = [r for r in columns(table, "profile_id", "clv_365", "clv_365_tier") if r[0] == "c10"]
    spend = records["clv_365"]
    assert (round(row[1], 2), row[2]) == (spend["amount"], spend["tier"])
    rule = {"field": "churn_percentile", "operator": ">=", "value": 1}
    shop.ask("/v1/segments", {"name": "Scored", "rule": rule})
    (line,) = [r for r in members_csv(shop, "scored") if r["profile_id"] == "c10"]
    for model, record in records.items():
        flat = flat_record(model, record)
        assert {name: line[name] for name in flat} == {n: str(v) for n, v in flat.items()}


def columns(file: Path, *names: str) -> list[tuple[Any, ...]]:
    """Return these columns of a Parquet file, row by row."""
    table = pq.read_table(file, columns=list(names))
    return list(zip(*(table[name].to_pylist() for name in names), strict=True))


def members_csv(shop: Shop, key: str) -> list[dict[str, str]]:
    """Return the lines of a segment's CSV, once everybody has been asked."""
    deadline = time.monotonic() + 60
    while shop.ask(f"/v1/segments/{key}/members")["fallback"] and time.monotonic() < deadline:
        time.sleep(0.2)
    text = shop.read(f"/v1/segments/{key}/members?format=csv")
    return list(csv.DictReader(io.StringIO(text)))


def test_segments_and_lookalikes_answer_over_all_customers(shop):
    listed_segments = {segment["key"] for segment in shop.ask("/v1/segments")["segments"]}
    assert len(listed_segments - {"scored"}) == 10  # "scored" is this file's own
    rule = {"combinator": "and", "rules": [{"field": "order_count", "operator": ">=", "value": 3}]}
    preview = shop.ask("/v1/segments/preview", {"rule": rule})
    assert 0 < preview["size"] <= CUSTOMERS
    found = shop.ask("/v1/lookalikes", {"seed": ["c1", "c3"], "limit": 5})
    ids = [p["profile_id"] for p in found["lookalikes"]]
    assert len(ids) == 5 and not {"c1", "c3"} & set(ids)


def test_a_new_release_is_taken_over_without_a_failed_request(shop):
    before = listed(shop, customer_id="c2")["release_id"]
    releasing = subprocess.Popen([sys.executable, "-m", "nextbest", "release"], env=shop.env)
    answers = 0
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline:
        answer = listed(shop, customer_id="c2")
        answers += 1
        if answer["release_id"] != before:
            break
    assert releasing.wait(60) == 0
    assert answer["release_id"] != before
    assert answers > 10
