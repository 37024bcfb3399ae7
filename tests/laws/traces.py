"""Looks for texts in every file under a folder: raw, and as Parquet and NumPy tell them."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
from redis import Redis


def traces(home: Path, texts: list[str]) -> list[tuple[str, str]]:
    """Return (file, text) of every text that any file holds."""
    found = []
    for path in sorted(p for p in home.rglob("*") if p.is_file()):
        told = _told(path)
        found += [(str(path.relative_to(home)), t) for t in texts if t.encode() in told]
    return found


def redis_traces(url: str, texts: list[str]) -> list[tuple[str, str]]:
    """Return (key or file, text) of every text that a Redis holds, in memory or in its files."""
    with Redis.from_url(url) as client:
        held = {repr(key): key + _value(client, key) for key in client.scan_iter()}
        folder = Path(client.config_get("dir")["dir"]) / "appendonlydir"
        held |= {path.name: path.read_bytes() for path in folder.iterdir()}
    return [(where, t) for where, told in held.items() for t in texts if t.encode() in told]


def _value(client: "Redis", key: bytes) -> bytes:
    """Return what is under a key, as bytes that hold its texts."""
    kind = client.type(key)
    if kind == b"hash":
        return b" ".join(part for pair in client.hgetall(key).items() for part in pair)
    if kind == b"set":
        return b" ".join(client.smembers(key))
    if kind == b"zset":
        return b" ".join(client.zrange(key, 0, -1))
    if kind == b"stream":
        return repr(client.xrange(key)).encode()
    return bytes(client.get(key))


def _told(path: Path) -> bytes:
    raw = path.read_bytes()
    if path.suffix == ".parquet":
        return raw + repr(pq.read_table(path).to_pydict()).encode()
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as arrays:
            return raw + repr([arrays[n].tolist() for n in arrays.files]).encode()
    return raw
