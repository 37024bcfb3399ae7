"""A release in memory: read once, never changed, replaced as a whole by the next one."""

import json
import logging
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar
from zipfile import BadZipFile

import duckdb
import faiss

from domain.attributes import DEFAULT_MODELS
from domain.errors import InvalidInput, NextbestError, NotFound
from models.manifest import is_recommender, load_model
from models.response_rates import ResponseRates
from serving.audience import Audience
from serving.items import ItemTable, read_items
from serving.likeness import Likeness
from serving.lookalikes import Crowd, read_crowd
from serving.newcomers import Newcomers
from serving.taste import Taste

logger = logging.getLogger(__name__)
_SAME_FOR_ALL = ("popular", "trending")  # kinds that the item table itself stands for
_FIRST = ("recommend", "recommend_als")  # of several recommenders, the one that serves
_BROKEN = (NextbestError, OSError, ValueError, KeyError, RuntimeError, duckdb.Error, BadZipFile)
T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Release:
    """What serving knows from training; every part but the items may be missing.

    `faults` says which parts should have been there and could not be read.
    """

    release_id: str | None
    items: ItemTable
    about: dict[str, Any] = field(default_factory=dict)  # release.json
    recommender: str = ""  # name of the model behind `taste`
    taste: Taste | None = None
    rates: ResponseRates | None = None
    audience: Audience | None = None
    crowd_file: Path | None = None
    faults: tuple[str, ...] = ()
    newcomers: Newcomers = field(default_factory=Newcomers.none)
    likeness: Likeness | None = None  # how newcomers find their place
    item_change: int = 0  # of the log's catalogue, up to which the items know all

    def with_items(self, items: ItemTable, newcomers: Newcomers) -> "Release":
        """Return the release with other items; what was read already is not read again."""
        found = replace(self, items=items, newcomers=newcomers)
        if "crowd" in self.__dict__:
            found.__dict__["crowd"] = self.__dict__["crowd"]
        return found

    @property
    def created_at(self) -> str | None:
        """When the release was made, ISO 8601."""
        return self.about.get("created_at")

    @property
    def as_of(self) -> str | None:
        """The instant that its profiles were made for, ISO 8601."""
        return self.about.get("as_of") or self.created_at

    @property
    def models(self) -> dict[str, dict[str, Any]]:
        """Name -> version, kind, metrics, trained_at, reliability."""
        return dict(self.about.get("models") or {})

    @cached_property
    def score_models(self) -> frozenset[str]:
        """The models whose scores a segment may name."""
        return DEFAULT_MODELS | set(self.scored)

    @cached_property
    def scored(self) -> tuple[str, ...]:
        """The models of the release that give scores, in order of their names."""
        models = self.models.items()
        return tuple(sorted(n for n, m in models if not is_recommender(str(m.get("kind")))))

    @cached_property
    def crowd(self) -> Crowd:
        """The customers as vectors; read when first asked for."""
        if self.crowd_file is None or not self.crowd_file.exists():
            raise NotFound("the release has no customer vectors; train and release first")
        return read_crowd(self.crowd_file)

    def warm(self) -> "Release":
        """Make what is made when first asked for now, so that no request waits for it."""
        items = self.items
        _ = items.row_of, items.by_popularity, items.by_trend, items.columns
        (self.rates or ResponseRates({})).interval("", "")  # loads the library behind it
        return self

    def versions(self, *names: str) -> dict[str, str]:
        """Return the version of each of these models that the release holds."""
        models = self.models
        return {name: str(models[name].get("version", "")) for name in names if name in models}


def current_id(home: Path) -> str | None:
    """Return the id of the release to serve, or None before the first one."""
    try:
        named = (home / "releases" / "current").read_text(encoding="utf-8").strip()
    except FileNotFoundError:
        return None
    return named or None


def read_release(
    home: Path, release_id: str, threads: int, without: Callable[[], ItemTable]
) -> Release:
    """Read a release folder; a part that cannot be read is left out and named in `faults`.

    `without` makes an item table when the release has none that can be read.
    """
    folder = _folder(home, release_id)
    faiss.omp_set_num_threads(1)
    parts = _Parts(folder)
    items = parts.read("items.parquet", read_items)
    about = parts.read("release.json", _read_json) or {}
    table = items or without()
    name = _recommender_name(about)
    taste = parts.read(f"models/{name}", lambda path: _read_taste(path, table)) if name else None
    rates = parts.read("responses.json", ResponseRates.load)
    audience = parts.read("profiles.parquet", lambda path: Audience(path, threads))
    return Release(
        release_id,
        table,
        about,
        name,
        taste,
        rates,
        audience,
        folder / "customers.npz",
        tuple(parts.faults),
    )


class _Parts:
    """Reads the parts of a folder one by one and collects what went wrong."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.faults: list[str] = []

    def read(self, name: str, reader: Callable[[Path], T]) -> T | None:
        """Return what `reader` makes of a part, or None."""
        try:
            return reader(self.folder / name)
        except _BROKEN as fault:
            logger.error("release %s: %s cannot be read: %s", self.folder.name, name, fault)
            self.faults.append(f"{name}: {fault}")
            return None


def _folder(home: Path, release_id: str) -> Path:
    releases = (home / "releases").resolve()
    folder = (releases / release_id).resolve()
    if folder.parent != releases:
        raise InvalidInput(f"release {release_id!r:.80} is not a folder of {releases}")
    return folder


def _read_json(path: Path) -> dict[str, Any]:
    return dict(json.loads(path.read_text(encoding="utf-8")))


def _recommender_name(about: dict[str, Any]) -> str:
    """Return the recommender that serves; '' if there is none. One with a taste comes first."""
    models = about.get("models") or {}
    kinds = {name: str(model.get("kind")) for name, model in models.items()}
    names = [name for name, kind in kinds.items() if is_recommender(kind)]
    return min(names, key=lambda n: (kinds[n] in _SAME_FOR_ALL, n not in _FIRST, n), default="")


def _read_taste(folder: Path, items: ItemTable) -> Taste | None:
    """Return the taste, or None where the best released recommender is the same for all."""
    model = load_model(folder)
    return None if model.KIND in _SAME_FOR_ALL else Taste(model, items)
