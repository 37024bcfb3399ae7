"""A release is one folder with everything that serving reads; `current` names it, by rename."""

import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from domain.settings import Settings
from models.manifest import read_manifest
from training.champions import champions, score_champions
from training.crowd_vectors import write_vectors
from training.profile_table import ABOUT, PROFILES, scored_folder
from training.recipe import RecommendRecipe, load_recipe
from training.release_items import write_items
from training.release_responses import write_responses
from training.scoring import score_with
from training.sheet import Sheet
from training.tracking import Champion, Tracker
from training.workshop import Workshop, open_workshop

KEPT = 5  # releases; older ones go
FRESH = timedelta(hours=6)  # scores no older than this are taken as they are


def release(settings: Settings, as_of: datetime, *, at: datetime | None = None) -> Path:
    """Write a release of all champions as of `as_of`, make it the current one, return its folder.

    Customers are scored anew unless they were scored with the same champions within FRESH.
    """
    tracker = Tracker.open(settings.home)
    with open_workshop(settings, at or datetime.now(UTC)) as shop:
        found = champions(tracker)
        if not _are_fresh(shop, found, as_of):
            score_with(shop, score_champions(tracker), as_of)
        release_id = f"{shop.at:%Y%m%dT%H%M%S%f}Z"
        draft = settings.home / "releases" / f".{release_id}.writing"
        shutil.rmtree(draft, ignore_errors=True)
        draft.mkdir(parents=True)
        try:
            _write(shop, draft, release_id, found, as_of)
            with shop.late.settled(draft):
                folder = draft.rename(draft.with_name(release_id))
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    _make_current(folder)
    _forget_old(folder.parent)
    return folder


def _are_fresh(shop: Workshop, found: dict[str, Champion], as_of: datetime) -> bool:
    """Return whether the table of profiles was made with these champions, not long before."""
    file = scored_folder(shop.settings.home) / ABOUT
    if not file.exists():
        return False
    about = orjson.loads(file.read_bytes())
    scores = {name: c.version for name, c in found.items() if Sheet.read(c.folder).unit != "order"}
    age = abs(as_of - datetime.fromisoformat(about["as_of"]))
    same = about["fingerprint"] == shop.window.fingerprint and about["versions"] == scores
    return same and age <= FRESH


def _write(
    shop: Workshop, folder: Path, release_id: str, found: dict[str, Champion], as_of: datetime
) -> None:
    """Write every file of the release."""
    for name, champion in found.items():
        shutil.copytree(champion.model, folder / "models" / name)
    write_items(shop.db, shop.settings.home, as_of, folder / "items.parquet")
    shutil.copyfile(scored_folder(shop.settings.home) / PROFILES, folder / PROFILES)
    about = {name: _about(champion) for name, champion in found.items()}
    scores = [name for name, champion in found.items() if Sheet.read(champion.folder).intervals]
    write_vectors(folder / PROFILES, scores, folder / "customers.npz")
    write_responses(shop.db, shop.settings, folder / "responses.json")
    window = shop.window
    data = {
        "first_at": window.first_at.isoformat(),
        "last_at": window.last_at.isoformat(),
        "events": window.events,
        "fingerprint": window.fingerprint,
    }
    record = {
        "release_id": release_id,
        "created_at": shop.at.isoformat(),
        "as_of": as_of.isoformat(),
        "data": data,
        "models": about,
    }
    (folder / "release.json").write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2))


def _about(champion: Champion) -> dict[str, Any]:
    """Return what a release says of a model; a recommender also says how acts were weighed."""
    sheet = Sheet.read(champion.folder)
    about: dict[str, Any] = {
        "version": champion.version,
        "run_id": champion.run_id,
        "kind": read_manifest(champion.model).kind,
        "candidate": sheet.kind,
        "metrics": sheet.metrics,
        "trained_at": sheet.trained_at,
        "reliability": sheet.reliability,
        "reliability_reason": sheet.reliability_reason,
    }
    recipe = load_recipe(sheet.recipe)
    if isinstance(recipe, RecommendRecipe):
        habits = {"weights": dict(recipe.weights), "half_life_days": recipe.half_life_days}
        return about | habits
    return about | {"unit": sheet.unit, "horizon_days": sheet.horizon_days}


def _make_current(folder: Path) -> None:
    current = folder.with_name("current")
    scratch = folder.with_name(".current.writing")
    scratch.write_text(f"{folder.name}\n", encoding="utf-8")
    scratch.replace(current)


def _forget_old(releases: Path) -> None:
    """Remove all but the last KEPT releases, and what a release that was cut off left behind."""
    folders = sorted(f for f in releases.iterdir() if f.is_dir() and not f.name.startswith("."))
    for old in folders[:-KEPT]:
        shutil.rmtree(old)
