import shutil
import sys
from pathlib import Path

import pytest

for folder in ("segments_live", "serving", "laws"):
    sys.path.insert(0, str(Path(__file__).parent.parent / folder))

from live_shop import LiveShop  # noqa: E402


@pytest.fixture
def home(tmp_path, registered) -> Path:
    shutil.copytree(registered, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture
def shop(home):
    with LiveShop(home) as found:
        yield found
