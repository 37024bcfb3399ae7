import shutil
import sys
from pathlib import Path

import pytest

from feature_repo.store import Features

for folder in ("segments_live", "serving", "laws"):
    sys.path.insert(0, str(Path(__file__).parent.parent / folder))

from live_shop import LiveShop  # noqa: E402


@pytest.fixture(scope="session")
def template(tmp_path_factory) -> Path:
    home = tmp_path_factory.mktemp("template")
    Features.open(home).close()
    return home


@pytest.fixture
def home(tmp_path, template) -> Path:
    shutil.copytree(template, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def shop(home):
    with LiveShop(home) as found:
        yield found
