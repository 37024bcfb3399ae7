"""A real server process, and someone who never stops asking it."""

import json
import os
import socket
import subprocess
import sys
import threading
import time
import urllib.request


class Service:
    """The commands of a home, its service, and the score of `who` by `model` as it is served."""

    def __init__(self, settings, who, model):
        self.who, self.model = who, model
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.env = os.environ | {
            "NEXTBEST_HOME": str(settings.home), "NEXTBEST_PORT": str(self.port),
            "NEXTBEST_THREADS": "1", "NEXTBEST_RELEASE_POLL_SECONDS": "0.2", "COLUMNS": "300",
        }  # fmt: skip
        self.run("serve", "--background")
        self.key = self.run("keys").stdout.splitlines()[1].split()[-1]
        self.answers, self.failures, self.done = [], [], threading.Event()
        self.asking = threading.Thread(target=self._ask_on)
        self.asking.start()

    def run(self, *words):
        done = subprocess.run(
            [sys.executable, "-m", "nextbest", *words],
            env=self.env, capture_output=True, text=True, timeout=300,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        return done

    def ask(self, path):
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}{path}", headers={"Authorization": f"Bearer {self.key}"}
        )
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.loads(answer.read())

    def _ask_on(self):
        while not self.done.wait(0.05):
            try:
                score = self.ask(f"/v1/profiles/{self.who}")["scores"][self.model]
                self.ask("/v1/segments")
                self.answers.append((score["model_version"], score["probability"]))
            except (OSError, KeyError, ValueError) as fault:
                self.failures.append(repr(fault))

    def follows(self, version):
        """Wait until scores and release are those of a version; return the score served."""
        for _ in range(600):
            ready = self.ask("/health/ready")["models"].get(self.model)
            if self.answers and self.answers[-1][0] == version == ready:
                return self.answers[-1][1]
            time.sleep(0.2)
        raise AssertionError(f"version {version} was never served: {self.answers[-1:]}")

    def end(self):
        self.done.set()
        self.asking.join(30)
        self.run("stop")
