"""What tests of many folders share: a Redis, homes to copy, and the places a log may stand in."""

import fcntl
import os
import shutil
import sys
from dataclasses import replace
from pathlib import Path

import hypothesis
import pytest

from domain.settings import EMBEDDED, Settings
from feature_repo.salt import FILE, ensure_salt
from feature_repo.store import Features

sys.path.insert(0, str(Path(__file__).parent / "stream"))

from redis_server import RedisServer

# How many examples a law is tried on; one whose examples are dear takes a part of `max_examples`.
for name, count in {"quick": 32, "ci": 100, "thorough": 2000}.items():
    hypothesis.settings.register_profile(name, deadline=None, max_examples=count)
hypothesis.settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "ci"))


def pytest_collection_modifyitems(items):
    """Put files with slow tests first, so that no worker is left with a long one at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory):
    """Return a folder that one of a run's processes fills for them all; it is to be copied only."""
    shared = tmp_path_factory.getbasetemp()
    if "PYTEST_XDIST_WORKER" in os.environ:
        shared = shared.parent

    def folder_of(name, fill):
        folder, done = shared / name, shared / f"{name}.done"
        with (shared / f"{name}.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not done.exists():
                shutil.rmtree(folder, ignore_errors=True)  # of a process that failed half-way
                folder.mkdir()
                fill(folder)
                done.touch()
        return folder

    return folder_of


@pytest.fixture(scope="session")
def registered(made_once):
    """A home whose registry holds the definitions: what is copied from it opens at once."""
    return made_once("registered", lambda home: Features.open(home).close())


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory):
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is not installed (Debian: apt-get install redis-server)")
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    server.start()
    yield server
    server.kill()


@pytest.fixture(params=["embedded", "outgrown"])
def place(request, tmp_path):
    """Settings of an empty home: all in SQLite, or event log and online store in Redis."""
    return settings_for(request, request.param, tmp_path)


def settings_for(request, name, home):
    shutil.copytree(request.getfixturevalue("registered"), home, dirs_exist_ok=True)
    if name == "embedded":
        return Settings(home=home, event_log=EMBEDDED, online_store=EMBEDDED)
    server = request.getfixturevalue("redis_server")
    server.empty()
    return Settings(home=home, event_log=server.url, online_store=server.url)


@pytest.fixture(scope="module", params=["embedded", "outgrown"])
def shared_place(request, tmp_path_factory):
    """The same for a whole module; its tests keep to ids of their own."""
    return settings_for(request, request.param, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module", params=["embedded", "outgrown"])
def new_places(request, tmp_path_factory):
    """Return settings of two empty homes of one salt, new ones at each call."""

    def made():
        one, other = (tmp_path_factory.mktemp("home") for _ in range(2))
        (other / FILE).write_text(ensure_salt(one).hex())
        first = settings_for(request, request.param, one)
        log = first.event_log if first.event_log == EMBEDDED else first.event_log[:-1] + "1"
        return first, replace(first, home=other, event_log=log)

    return made
