"""Register the definitions in a home folder's registry once, however many processes open it."""

import hashlib
import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, cast
from urllib.parse import unquote, urlsplit

import feature_repo.light_feast  # noqa: F401  # isort: skip

import feast
import yaml
from feast import FeatureStore, RepoConfig
from google.protobuf.json_format import MessageToDict

from domain.settings import EMBEDDED
from feature_repo.definitions import objects

_HOME = "${NEXTBEST_HOME}"


def registered_store(home: Path, online_store: str = EMBEDDED) -> FeatureStore:
    """Return Feast for an absolute home folder, with the definitions of now registered there."""
    store: Any = FeatureStore(config=config_for(home, online_store))
    marker = home / "registry.fingerprint"
    with _alone(home):  # also covers the creation of the registry's tables
        wanted = _fingerprint()
        files = ("registry.db", "online.db") if online_store == EMBEDDED else ("registry.db",)
        complete = all((home / name).exists() for name in files)
        if not complete or not marker.exists() or marker.read_text() != wanted:
            _apply(store)
            _replace(marker, wanted)
        store.refresh_registry()
    return cast(FeatureStore, store)


def config_for(home: Path, online_store: str = EMBEDDED) -> RepoConfig:
    """Return the set-up of `feature_store.yaml` for a home folder and an online store."""
    text = Path(__file__).with_name("feature_store.yaml").read_text(encoding="utf-8")
    plain = json.dumps(yaml.safe_load(text)).replace(_HOME, json.dumps(str(home))[1:-1])
    given = json.loads(plain)
    if online_store != EMBEDDED:
        given["online_store"] = {
            "type": "redis",
            "connection_string": connection_string(online_store),
            "skip_dedup": True,  # the last write wins, as in SQLite; exchanges keep writers apart
        }
    return RepoConfig(**given, repo_path=home)


def connection_string(url: str) -> str:
    """Return a `redis://` URL as Feast writes it: host:port, then the rest as name=value."""
    given = urlsplit(url)
    parts = [f"{given.hostname or 'localhost'}:{given.port or 6379}"]
    named = {"db": given.path.strip("/"), "username": given.username, "password": given.password}
    parts += [f"{name}={unquote(value)}" for name, value in named.items() if value]
    return ",".join(parts + (["ssl=true"] if given.scheme == "rediss" else []))


def _apply(store: FeatureStore) -> None:
    """Register all definitions, and take out services and views that are none any more."""
    wanted: list[Any] = objects()
    names = {(type(each), each.name) for each in wanted}
    present: list[Any] = [*store.list_feature_services(), *store.list_batch_feature_views()]
    stale = [each for each in present if (type(each), each.name) not in names]
    store.apply(wanted, objects_to_delete=stale, partial=False)


def _fingerprint() -> str:
    """Return a text that changes when a definition or the version of Feast does."""
    plain = [_without_times(MessageToDict(each.to_proto())) for each in objects()]
    text = feast.__version__ + json.dumps(plain, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()


def _without_times(plain: Any) -> Any:
    """Return a definition without `meta`, where Feast notes when the object was made."""
    if isinstance(plain, dict):
        return {key: _without_times(value) for key, value in plain.items() if key != "meta"}
    return [_without_times(value) for value in plain] if isinstance(plain, list) else plain


@contextmanager
def _alone(home: Path) -> Iterator[None]:
    """Let one process at a time through; SQLite's lock goes with the process that held it."""
    with closing(sqlite3.connect(home / "registry.lock", timeout=60)) as lock:
        lock.execute("BEGIN EXCLUSIVE")
        yield


def _replace(path: Path, text: str) -> None:
    scratch = path.with_suffix(".writing")
    scratch.write_text(text)
    scratch.replace(path)
