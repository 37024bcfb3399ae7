"""The service as a process: in the foreground, or started in the background and stopped again."""

import os
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import uvicorn

from domain.errors import Conflict, NextbestError
from domain.settings import Settings
from serving.app import create_app
from serving.keys import ensure_keys
from serving.memory import settle

_PATIENCE_SECONDS = 60.0


def run(settings: Settings) -> None:
    """Run the API until it is told to end, in one process or in several."""
    many = settings.workers > 1
    if many:
        _share(settings)
    else:
        settle()
    uvicorn.run(
        "serving.app:app_from_environment" if many else create_app(settings),
        factory=many,
        workers=settings.workers,
        host=settings.host,
        port=settings.port,
        log_level=settings.log_level,
        access_log=False,
    )


def _share(settings: Settings) -> None:
    """Put the settings where the worker processes read them, and make what all of them use."""
    for name, value in settings.to_environment().items():
        os.environ[name] = value
    ensure_keys(settings.home)


def start_in_background(settings: Settings) -> bool:
    """Start the service and return when it is ready; False when it was running already.

    Its output goes to `<home>/serve.log`, its process id to `<home>/serve.pid`.
    """
    if _is_ready(settings):
        if _running(settings.home) is None:
            raise Conflict(
                f"port {settings.port} answers, but the service there was not started from "
                f"{settings.home}; stop it, or set NEXTBEST_PORT to a free port",
                field="port",
            )
        return False
    log_file = settings.home / "serve.log"
    settings.home.mkdir(parents=True, exist_ok=True)
    with log_file.open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "nextbest", "serve", "--workers", str(settings.workers)],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
        )
    _pid_file(settings.home).write_text(str(process.pid))
    _wait(settings, process, log_file)
    return True


def stop_background(settings: Settings) -> str:
    """End the service that `start_in_background` started; return what happened."""
    pid = _running(settings.home)
    if pid is None:
        return "no service is running in the background"
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + 15
    while _running(settings.home) is not None and time.monotonic() < deadline:
        time.sleep(0.1)
    _pid_file(settings.home).unlink(missing_ok=True)
    return f"stopped the service (process {pid})"


def _wait(settings: Settings, process: "subprocess.Popen[bytes]", log_file: Path) -> None:
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < deadline:
        if process.poll() is not None:
            last = log_file.read_text(errors="replace").strip().splitlines()[-1:]
            raise NextbestError(f"the service ended at once: {' '.join(last)}; see {log_file}")
        if _is_ready(settings):
            return
        time.sleep(0.2)
    raise NextbestError(f"the service is not ready after {_PATIENCE_SECONDS:.0f} s; see {log_file}")


def _is_ready(settings: Settings) -> bool:
    url = f"http://{settings.host}:{settings.port}/health/ready"
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _pid_file(home: Path) -> Path:
    return home / "serve.pid"


def _running(home: Path) -> int | None:
    """Return the process id of the background service while it lives, else None."""
    try:
        pid = int(_pid_file(home).read_text())
        os.kill(pid, 0)
    except (OSError, ValueError):
        return None
    status = Path(f"/proc/{pid}/stat")
    if status.exists() and status.read_text().rsplit(")", 1)[1].split()[0] == "Z":
        return None  # ended, and its parent has not yet taken notice
    return pid
