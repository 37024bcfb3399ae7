import shutil
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the tests share one little town
sys.path.insert(0, str(Path(__file__).parent.parent / "laws"))  # and the search for traces

from town import END, NOW, Town, fill, lively

from domain.settings import Settings
from training.release import release
from training.run import recipe_names, train
from training.scoring import score_all
from training.tracking import EXPERIMENT, Tracker


@pytest.fixture(scope="session")
def bare(made_once: Callable[..., Path], registered: Path) -> Path:
    """A home with the empty tables of Feast and MLflow, which take seconds to make."""

    def fill(home: Path) -> None:
        shutil.copytree(registered, home, dirs_exist_ok=True)
        Tracker.open(home / "made")
        shutil.move(home / "made" / "mlflow.db", home / "mlflow.db")
        shutil.rmtree(home / "made")
        with closing(sqlite3.connect(home / "mlflow.db")) as db, db:
            db.execute("DELETE FROM experiments WHERE name = ?", (EXPERIMENT,))  # names its folder

    return made_once("bare", fill)


@pytest.fixture
def make_home(tmp_path: Path, bare: Path) -> Callable[[], Settings]:
    """Copies of the bare home, each with settings of its own."""
    made: list[Path] = []

    def make() -> Settings:
        made.append(tmp_path / f"home{len(made)}")
        shutil.copytree(bare, made[-1])
        return Settings(home=made[-1], threads=1)

    return make


@pytest.fixture(scope="session")
def town(tmp_path_factory: pytest.TempPathFactory, bare: Path) -> Town:
    """A lively town with every model trained, scored and released once; to be read only."""
    home = tmp_path_factory.mktemp("town") / "home"
    shutil.copytree(bare, home)
    settings = Settings(home=home, threads=1)
    fill(settings.home, lively(1500))
    outcomes = [o for name in recipe_names() for o in train(name, settings, at=NOW)]
    summary = score_all(settings, END, at=NOW)
    return Town(settings, {o.name: o for o in outcomes}, summary, release(settings, END, at=NOW))


@pytest.fixture
def make_copy(tmp_path: Path) -> Callable[[Settings], Settings]:
    """A home that may be written to, with what another one holds; models stay where they are."""

    def copy(settings: Settings) -> Settings:
        shutil.copytree(settings.home, tmp_path / "copy", ignore=shutil.ignore_patterns("mlruns"))
        return replace(settings, home=tmp_path / "copy")

    return copy
