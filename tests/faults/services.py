"""The service as real processes, which can be started, killed at any point, and started again."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import replace
from pathlib import Path

from load import crew

from feature_repo.backends import open_features, open_log
from serving.keys import ensure_keys

PATIENCE_SECONDS = 120.0


def free_port():
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def until(true, what, seconds=PATIENCE_SECONDS):
    """Return once something is so; fail with `what` if it never is."""
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, f"waited in vain for: {what}"
        time.sleep(0.02)


def serve(settings, output):
    from serving.process import run

    _lead(output)
    run(settings)


def fold(settings, output):
    from feature_repo.folding_loop import run

    _lead(output)
    run(open_log(settings), open_features(settings))


def _lead(output):
    """Lead a process group, so that all of it can be killed at once; write to a file."""
    os.setsid()
    file = os.open(output, os.O_CREAT | os.O_WRONLY | os.O_APPEND)
    os.dup2(file, 1)
    os.dup2(file, 2)


class Part:
    """One command of the service.

    As a person starts it, or (`forked`) from a process that has read the libraries already: the
    same code in a process of its own, but ready within a second.
    """

    def __init__(self, settings, output, *words, forked=True, environment=None):
        self.settings, self.words, self.forked = settings, words, forked
        self.output = output
        self._environment = {**os.environ, **settings.to_environment(), **(environment or {})}
        self._process = None

    def start(self):
        if self.forked:
            work = {"serve": serve, "stream": fold}[self.words[0]]
            self._process = crew.Process(target=work, args=(self.settings, str(self.output)))
            self._process.start()
            return
        with self.output.open("ab") as file:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "nextbest", *self.words],
                env=self._environment, start_new_session=True, stdout=file, stderr=file,
            )  # fmt: skip

    @property
    def pid(self):
        return self._process.pid

    def kill(self):
        """End the process and all of its workers at once, wherever they are."""
        for end in (os.killpg, os.kill):  # forked a moment ago, it may not lead its group yet
            try:
                end(self.pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        self._wait(30)

    def kill_leader(self):
        """End only the process that watches over the workers."""
        os.kill(self.pid, signal.SIGKILL)
        self._wait(30)

    def kill_worker(self, draw):
        """End one of the workers, if there is one by now."""
        workers = self.workers()
        if workers:
            os.kill(draw.choice(workers), signal.SIGKILL)

    def workers(self):
        """Return the process ids of the workers."""
        listed = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        return [int(pid) for pid in listed if b"spawn_main" in _command(pid)]

    def stop(self):
        """End it as an operator would."""
        os.kill(self.pid, signal.SIGTERM)
        assert self._wait(30) in (0, -signal.SIGTERM), self.output.read_text()[-2_000:]

    def _wait(self, seconds):
        if self.forked:
            self._process.join(seconds)
            return self._process.exitcode
        return self._process.wait(seconds)

    def is_ready(self):
        """Return whether it answers; a stream has nothing to answer."""
        if self.words[0] != "serve":
            return True
        return answers(self.settings, "/health/ready")

    def when_ready(self):
        until(self.is_ready, f"{self.words} to be ready, see {self.output}")


def answers(settings, path):
    url = f"http://127.0.0.1:{settings.port}{path}"
    try:
        return urllib.request.urlopen(url, timeout=2).status == 200
    except OSError:
        return False


def ask(settings, key, path, body=None):
    """Return status and body of an answer."""
    request = urllib.request.Request(
        f"http://127.0.0.1:{settings.port}{path}", json.dumps(body).encode() if body else None,
        {"Authorization": f"Bearer {key}", "Content-Type": "application/json"},
    )  # fmt: skip
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as fault:
        return fault.code, json.load(fault)


def _command(pid):
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def opened(settings, **more):
    """Return settings with a port of their own, and the keys of the home."""
    settings = replace(settings, port=free_port(), **more)
    return settings, ensure_keys(settings.home)[0]
