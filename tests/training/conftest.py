import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the tests share one little town

from town import fill, lively

from domain.settings import Settings
from feature_repo.store import Features
from training.tracking import Tracker


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home with the empty tables of Feast and MLflow, which take seconds to make."""
    home = tmp_path_factory.mktemp("bare")
    Features.open(home).close()
    _tables_of_mlflow(home)
    return home


def _tables_of_mlflow(home: Path) -> None:
    from training.tracking import _client

    _client(home).search_experiments()


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
def town(tmp_path_factory: pytest.TempPathFactory, bare: Path) -> Settings:
    """A lively town of 400 with every model trained, scored and released once; read only."""
    home = tmp_path_factory.mktemp("town") / "home"
    shutil.copytree(bare, home)
    settings = Settings(home=home, threads=1)
    fill(settings.home, lively(400))
    return settings


@pytest.fixture
def tracker_of() -> Callable[[Settings], Tracker]:
    return lambda settings: Tracker.open(settings.home)
