"""Calls that work when pasted: real ids, the real address, the real keys."""

import json
from typing import Any

import duckdb

from domain.settings import Settings
from serving.keys import read_keys


def sample_calls(settings: Settings, url: str) -> list[str]:
    """Return three curl lines for the current release: a list, an action, a segment."""
    keys = read_keys(settings.home)
    customer = _busy_customer(settings)
    return [
        _curl(f"{url}/v1/recommendations", keys.write_key, {"customer_id": customer, "limit": 5}),
        _curl(f"{url}/v1/next-best-action", keys.secret_key, {"customer_id": customer}),
        _curl(f"{url}/v1/segments/likely-to-churn/members?limit=3", keys.secret_key),
    ]


def _curl(url: str, key: str, body: dict[str, Any] | None = None) -> str:
    call = f"curl -s '{url}' -H 'Authorization: Bearer {key}'"
    if body is None:
        return call
    text = json.dumps(body).replace("'", "'\\''")  # an id may hold an apostrophe
    return f"{call} -H 'Content-Type: application/json' -d '{text}'"


def _busy_customer(settings: Settings) -> str:
    """Return the customer with consent who bought on most days of late."""
    current = (settings.home / "releases" / "current").read_text().strip()
    profiles = settings.home / "releases" / current / "profiles.parquet"
    row = duckdb.execute(
        "SELECT profile_id FROM read_parquet(?) "
        "ORDER BY is_known DESC, consent_marketing DESC, purchase_days_90d DESC, spend_total DESC, "
        "profile_id LIMIT 1",
        [str(profiles)],
    ).fetchone()
    return str(row[0]) if row else "nobody"
