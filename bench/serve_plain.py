"""A plain endpoint as one writes it in a day: FastAPI, histories in Feast, vectors in FAISS.

`bench/serve.py` starts it with uvicorn. It reads the history of a customer from Feast's SQLite
store, folds it in with the very model that the other servers use, and searches an exact index; a
price filter and what was in the history are left out of 200 candidates. No reasons, no stock, no
rules, nothing kept as shown.
"""

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import faiss
import numpy as np
import pandas as pd
import pyarrow.parquet as pq
from fastapi import FastAPI
from feast import Entity, FeatureStore, FeatureView, Field, FileSource, RepoConfig
from feast.types import String
from pydantic import BaseModel

from models.history import History
from models.manifest import load_model

CANDIDATES = 200


def open_store(folder: Path) -> FeatureStore:
    folder.mkdir(parents=True, exist_ok=True)
    online = {"type": "sqlite", "path": str(folder / "online.db")}
    config = RepoConfig(
        project="plain", provider="local", registry=str(folder / "registry.db"),
        online_store=online, offline_store={"type": "file"}, repo_path=folder,
        entity_key_serialization_version=3,
    )  # fmt: skip
    return FeatureStore(config=config)


def fill(folder: Path, histories: dict[str, list[str]]) -> None:
    """Write the history of each customer to the online store."""
    store, now = open_store(folder), datetime.now(UTC)
    frame = pd.DataFrame(
        {
            "customer_id": list(histories),
            "history": [json.dumps(items) for items in histories.values()],
            "event_timestamp": now,
        }
    )
    frame.to_parquet(folder / "histories.parquet")
    customer = Entity(name="customer", join_keys=["customer_id"])
    source = FileSource(path=str(folder / "histories.parquet"), timestamp_field="event_timestamp")
    view = FeatureView(
        name="behaviour", entities=[customer], source=source,
        schema=[Field(name="history", dtype=String), Field(name="customer_id", dtype=String)],
    )  # fmt: skip
    store.apply([customer, view])
    store.write_to_online_store("behaviour", frame)


class Asked(BaseModel):
    customer_id: str
    limit: int = 10
    max_price: float = 1e12


def app() -> FastAPI:
    """Return the endpoint over the release that NEXTBEST_BENCH_RELEASE names."""
    faiss.omp_set_num_threads(1)
    release = Path(os.environ["NEXTBEST_BENCH_RELEASE"])
    store = open_store(Path(os.environ["NEXTBEST_BENCH_FEAST"]))
    model: Any = load_model(release / "models" / "recommend")
    items = pq.read_table(release / "items.parquet", columns=["title", "price"]).to_pydict()
    price = np.array(items["price"])
    index: Any = faiss.IndexFlatIP(model.item_vectors.shape[1])
    index.add(np.ascontiguousarray(model.item_vectors))
    api = FastAPI()

    @api.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ready"}

    @api.post("/recommend")
    async def recommend(asked: Asked) -> dict[str, Any]:
        rows = [{"customer_id": asked.customer_id}]
        found = store.get_online_features(["behaviour:history"], rows).to_dict()["history"][0]
        past = json.loads(found or "[]")
        query = model.user_vector(History.of(past))
        scores, near = index.search(query[None, :], CANDIDATES)
        seen = set(past)
        picks = [
            {"item_id": str(model.item_ids[row]), "title": items["title"][row], "score": float(s)}
            for row, s in zip(near[0].tolist(), scores[0].tolist(), strict=True)
            if row >= 0 and price[row] <= asked.max_price and model.item_ids[row] not in seen
        ]
        return {"items": picks[: asked.limit]}

    return api
