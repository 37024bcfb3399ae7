"""A private redis-server on a free port."""

import socket
import subprocess
import time

from redis import Redis
from redis.exceptions import ConnectionError as NoConnection


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
