import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from feature_repo.event_log import EventLog
from serving.keys import ensure_keys

ROOT = Path(__file__).parents[2]


@dataclass(frozen=True)
class Server:
    """A service of its own process, and the log it writes."""

    url: str
    home: Path
    write_key: str

    def stored(self) -> dict[str, str]:
        """Return message id -> kind of all that is on disk."""
        log = EventLog(self.home)
        try:
            return {row[1]: row[2] for row in log.rows_after(0, 1_000_000)}
        finally:
            log.close()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Start the service on a free port, as it is started in earnest."""
    home = tmp_path_factory.mktemp("home")
    found = Server(f"http://127.0.0.1:{free_port()}", home, ensure_keys(home)[0].write_key)
    process = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "serving.app:app_from_environment", "--factory",
         "--port", found.url.rpartition(":")[2], "--log-level", "warning"],
        cwd=ROOT, env={**os.environ, "NEXTBEST_HOME": str(home)},
    )  # fmt: skip
    try:
        _wait(found.url, process)
        yield found
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _wait(url: str, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        assert process.poll() is None, "the service ended at once"
        try:
            urllib.request.urlopen(f"{url}/health/ready", timeout=2).close()
            return
        except OSError:
            time.sleep(0.1)
    raise AssertionError("the service is not ready after 60 s")
