"""What tests of many folders share: a Redis of their own, and the places a log may stand in."""

import shutil
import socket
import subprocess
import time
from dataclasses import replace

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as NoConnection

from domain.settings import EMBEDDED, Settings
from feature_repo.salt import FILE, ensure_salt


class RedisServer:
    """A private redis-server that syncs every write; its data outlives a stop."""

    def __init__(self, folder):
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self._process = None

    def start(self):
        words = ["--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self.folder),
                 "--appendonly", "yes", "--appendfsync", "always", "--save", ""]  # fmt: skip
        log = (self.folder / "redis.log").open("ab")
        self._process = subprocess.Popen(["redis-server", *words], stdout=log, stderr=log)
        client, deadline = Redis.from_url(self.url), time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                client.ping()
                break
            except NoConnection:
                time.sleep(0.02)
        client.close()

    def kill(self):
        self._process.kill()
        self._process.wait()

    def empty(self):
        with Redis.from_url(self.url) as client:
            client.flushall()


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
