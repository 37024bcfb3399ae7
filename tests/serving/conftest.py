import asyncio
import shutil
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # the tests share one little shop
sys.path.insert(0, str(Path(__file__).parent.parent / "laws"))  # and the search for traces

from little_shop import Shop, opened, write_release

Scene = Callable[[Shop], Awaitable[None]]


@pytest.fixture(scope="session")
def templates(tmp_path_factory: pytest.TempPathFactory, registered: Path) -> dict[bool, Path]:
    """A home with and one without a release, which copies of them have too."""
    released = tmp_path_factory.mktemp("released")
    shutil.copytree(registered, released, dirs_exist_ok=True)
    write_release(released)
    return {False: registered, True: released}


@pytest.fixture
def play(tmp_path: Path, templates: dict[bool, Path]) -> Callable[..., None]:
    """Run an async scene against a shop; the first one of a test finds it fresh."""

    def run(scene: Scene, *, release: bool = True, **settings: object) -> None:
        home = tmp_path / "home"
        if not home.exists():
            shutil.copytree(templates[release], home)

        async def all_of_it() -> None:
            async with opened(home, **settings) as shop:
                await scene(shop)

        asyncio.run(all_of_it())

    return run
