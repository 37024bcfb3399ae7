"""A tiny shop whose right answers are known by eye, and the real app over it, without a socket."""

import asyncio
import json
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from domain.features import FEATURES
from domain.settings import Settings
from models.als import ALSRecommender
from models.interactions import Interactions
from models.response_rates import ResponseRates
from serving.app import create_app
from serving.keys import ensure_keys

MUGS = [f"mug-{n}" for n in range(6)]
BOWLS = [f"bowl-{n}" for n in range(6)]
ITEMS = [*MUGS, *BOWLS, "gone-mug", "new-bowl"]  # gone-mug is out of stock, new-bowl has no vector
PROFILES = [f"c-{n}" for n in range(40)]  # the first 20 look alike: high churn, low spend


def write_items(folder: Path, ids: list[str] = ITEMS) -> None:
    category = ["mugs" if "mug" in i else "bowls" for i in ids]
    table = {
        "item_id": ids,
        "title": [i.replace("-", " ").title() for i in ids],
        "category": category,
        "brand": ["Potters" if n % 2 else None for n in range(len(ids))],
        "price": [5.0 + n for n in range(len(ids))],
        "in_stock": ["gone" not in i for i in ids],
        "attributes": [json.dumps({"colour": "blue" if n % 3 else "red"}) for n in range(len(ids))],
        "popularity": [float(len(ids) - n) for n in range(len(ids))],
        "trend": [float(n) for n in range(len(ids))],
    }
    pq.write_table(pa.table(table), folder / "items.parquet")


def interactions() -> Interactions:
    """Half of the people take mugs only, the other half bowls only."""
    rng = np.random.default_rng(7)
    users, items = [], []
    for n in range(60):
        shelf = [*MUGS, "gone-mug"] if n % 2 else BOWLS
        for item in rng.permutation(shelf)[:4]:
            users.append(f"u-{n}")
            items.append(str(item))
    return Interactions.from_ids(users, items)


def fit_recommender() -> ALSRecommender:
    return ALSRecommender(factors=2, epochs=10, seed=7).fit(interactions())


def write_profiles(folder: Path) -> None:
    n = len(PROFILES)
    early = np.arange(n) < 20
    columns: dict[str, Any] = {f.name: [None] * n for f in FEATURES if f.type != "number"}
    columns |= {f.name: np.where(early, 1.0, 50.0) for f in FEATURES if f.type == "number"}
    columns |= {
        "profile_id": PROFILES,
        "country": ["DE" if e else "FR" for e in early],
        "trait_plan": ["=gold" if e else "free" for e in early],
        "churn": np.where(early, 0.8, 0.1),
        "churn_percentile": np.where(early, 90, 20),
        "churn_tier": ["A" if e else "E" for e in early],
    }
    columns = {
        k: pa.array(v, pa.string()) if isinstance(v, list) and v[0] is None else v
        for k, v in columns.items()
    }
    pq.write_table(pa.table(columns), folder / "profiles.parquet")
    rng = np.random.default_rng(7)
    vectors = np.where(early[:, None], 1.0, -1.0) + rng.normal(0, 0.1, (n, 4))
    np.savez(
        folder / "customers.npz", profile_ids=np.array(PROFILES), vectors=vectors.astype(np.float32)
    )


def write_release(home: Path, release_id: str = "r1") -> Path:
    folder = home / "releases" / release_id
    folder.mkdir(parents=True)
    write_items(folder)
    write_profiles(folder)
    fit_recommender().save(folder / "models" / "recommend")
    showings = [("welcome_offer", "visitor/fresh", n % 2 == 0) for n in range(200)]
    ResponseRates.count(showings).save(folder / "responses.json")
    about = {
        "release_id": release_id,
        "created_at": "2026-03-01T10:15:00+00:00",
        "models": {
            "recommend": {"version": "3", "kind": "als"},
            "churn": {"version": "2", "kind": "calibrated"},
        },
    }
    (folder / "release.json").write_text(json.dumps(about))
    point_at(home, release_id)
    return folder


def point_at(home: Path, release_id: str) -> None:
    draft = home / "releases" / "current.new"
    draft.write_text(release_id + "\n")
    draft.replace(home / "releases" / "current")


class Shop:
    """The running app, with clients that carry each kind of key."""

    def __init__(self, home: Path, app: Any) -> None:
        self.home = home
        self.app = app
        self.keys, _ = ensure_keys(home)
        self.transport = httpx.ASGITransport(app=app, raise_app_exceptions=False)

    def client(self, key: str | None) -> httpx.AsyncClient:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.AsyncClient(transport=self.transport, base_url="http://t", headers=headers)

    async def ask(self, method: str, path: str, key: str | None = "secret", **given: Any) -> Any:
        key = {"secret": self.keys.secret_key, "write": self.keys.write_key}.get(str(key), key)
        async with self.client(key) as client:
            return await client.request(method, path, **given)

    async def post(self, path: str, body: Any, key: str | None = "secret", **given: Any) -> Any:
        return await self.ask("POST", path, key, json=body, **given)

    async def get(self, path: str, key: str | None = "secret", **given: Any) -> Any:
        return await self.ask("GET", path, key, **given)

    async def track(
        self, event: str, user: str = "ada", item: str | None = None, **more: Any
    ) -> Any:
        properties = {"product_id": item, "price": 5.0} if item else {}
        body = {"userId": user, "event": event, "properties": properties, **more}
        found = await self.post("/v1/track", body, "write")
        assert found.status_code == 200, found.text
        return found.json()

    @property
    def runtime(self) -> Any:
        return self.app.state.runtime


@asynccontextmanager
async def opened(home: Path, **settings: Any) -> Any:
    app = create_app(Settings(home=home, **{"release_poll_seconds": 0.02, **settings}))
    async with app.router.lifespan_context(app):
        yield Shop(home, app)


async def settled(shop: Shop) -> dict[str, Any]:
    """Return the segments once all that happened until now is in them."""
    since = datetime.now(UTC)
    for _ in range(500):
        body = (await shop.get("/v1/segments")).json()
        as_of = body["as_of"] and datetime.fromisoformat(body["as_of"])
        if as_of and as_of >= since and body["fallback"] is None:
            return body
        await asyncio.sleep(0.01)
    raise AssertionError("the live segments do not come to rest")


async def people_come(shop: Shop) -> None:
    """Let the 40 of the release be there: each bought once, the first 20 are about to leave."""
    scores = [
        (who, json.dumps({"churn": {"probability": p, "percentile": 90 if p > 0.5 else 20}}))
        for n, who in enumerate(PROFILES)
        for p in (0.8 if n < 20 else 0.1,)
    ]
    shop.runtime.features.write_scores((who, text, datetime.now(UTC)) for who, text in scores)
    plans = [{"plan": "=gold" if n < 20 else "free"} for n in range(len(PROFILES))]
    for kind, more in (("identify", plans), ("track", [{}] * len(PROFILES))):
        batch = [
            {"type": kind, "userId": who, "event": "Order Completed", "traits": traits}
            for who, traits in zip(PROFILES, more, strict=True)
        ]
        sent = (await shop.post("/v1/batch", {"batch": batch}, "write")).json()
        assert sent["stored"] == len(PROFILES), sent
    await settled(shop)


def ago(**delta: float) -> str:
    return (datetime.now(UTC) - timedelta(**delta)).isoformat()
