"""Lineage: what the numbers of a run hang on, and in what two runs differ."""

import hashlib
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).parent.parent
ROOMS = ("domain", "feature_repo", "models", "training")
LIBRARIES = ("duckdb", "lightgbm", "numpy", "pandas", "scikit-learn", "scipy", "torch")

WORDS = {  # tag or parameter -> what a person calls it
    "data.fingerprint": "data fingerprint",
    "data.first_at": "first event",
    "data.last_at": "last event",
    "data.events": "events",
    "test.fingerprint": "test rows",
    "split": "split by time",
    "feature_service": "feature service",
    "recipe": "recipe",
    "code.recipe": "the recipe's file",
    **{f"code.{room}": f"code of {room}/" for room in ROOMS},
    "code.libraries": "libraries",
    "setting.seed": "seed",
    "setting.threads": "threads",
    "setting.churn_horizon_days": "churn_horizon_days",
    "tuned": "tuned parameters",
    "candidate": "candidate",
    "horizon_days": "horizon in days",
    "features": "features",
    "rows": "rows",
}


def code_tags(recipe: str) -> dict[str, str]:
    """Return the code version as tags: a digest per package and of the recipe, the libraries."""
    file = ROOT / "training" / "recipes" / f"{recipe}.py"
    rooms = {f"code.{room}": _room(room) for room in ROOMS}
    whole = hashlib.sha256(" ".join(rooms.values()).encode()).hexdigest()[:12]
    return {
        "code.version": f"{_installed('nextbest')}+{whole}",
        **rooms,
        "code.recipe": _digest([file]) if file.exists() else "",
        "code.libraries": " ".join(f"{name} {_installed(name)}" for name in LIBRARIES),
    }


def differences(one: Mapping[str, str], other: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Return what differs between the lineages of two runs: words -> both values."""
    return {
        words: (one.get(name, ""), other.get(name, ""))
        for name, words in WORDS.items()
        if one.get(name, "") != other.get(name, "")
    }


@cache
def _room(room: str) -> str:
    """Return the digest of a package's sources, without the recipes, which have their own."""
    files = (f for f in (ROOT / room).rglob("*.py") if "recipes" not in f.parts)
    return _digest(sorted(files))


def _digest(files: list[Path]) -> str:
    found = hashlib.sha256()
    for file in files:
        found.update(file.relative_to(ROOT).as_posix().encode() + b"\0" + file.read_bytes())
    return found.hexdigest()[:12]


def _installed(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "unknown"
