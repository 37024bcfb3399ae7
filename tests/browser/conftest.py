import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parent.parent / "serving"))  # the tests share one little shop

from little_shop import write_release

from serving.keys import ensure_keys

CHROMIUM = shutil.which("chromium") or "/usr/bin/chromium"
_FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
    "--disable-background-networking", "--disable-component-update",
)  # fmt: skip
TRICKY_TITLE = '<img src=x onerror="window.hacked = true">Mug & <b>more</b>'
PATIENCE = 10.0


class Server:
    """A real service process over a little released shop."""

    def __init__(self, home: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        self.keys, _ = ensure_keys(home)
        self._env = os.environ | {"NEXTBEST_HOME": str(home), "NEXTBEST_PORT": str(self.port)}
        self._log = (home / "serve.log").open("wb")
        self._process = subprocess.Popen(
            [sys.executable, "-m", "nextbest", "serve"], env=self._env,
            stdout=self._log, stderr=subprocess.STDOUT,
        )  # fmt: skip
        self.wait(lambda: self.get("/health/ready"), 60.0)

    def get(self, path: str) -> Any:
        """Return the JSON at a path, asked with the secret key; None where there is none."""
        headers = {"Authorization": f"Bearer {self.keys.secret_key}"}
        request = urllib.request.Request(self.url + path, headers=headers)
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return json.loads(answer.read())
        except OSError:
            return None

    def kinds(self, profile_id: str) -> list[str]:
        """Return the kinds of the events of a profile but for shown lists, oldest first."""
        return [event["kind"] for event in self.events(profile_id)]

    def events(self, profile_id: str) -> list[dict[str, Any]]:
        found = self.get(f"/v1/profiles/{profile_id}?events=100") or {"events": []}
        shown = "recommendation-shown"
        return [event for event in reversed(found["events"]) if event["kind"] != shown]

    def wait(self, is_so: Callable[[], Any], patience: float = PATIENCE) -> Any:
        """Return what `is_so` returns as soon as it is true, or after the patience."""
        deadline = time.monotonic() + patience
        while not (found := is_so()) and time.monotonic() < deadline:
            assert self._process.poll() is None, "the service ended"
            time.sleep(0.05)
        return found

    def close(self) -> None:
        self._process.terminate()
        self._process.wait(20)
        self._log.close()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    home = tmp_path_factory.mktemp("browser")
    items = write_release(home) / "items.parquet"
    table = pq.read_table(items)
    titles = table["title"].to_pylist()
    titles[table["item_id"].to_pylist().index("mug-0")] = TRICKY_TITLE
    at = table.schema.get_field_index("title")
    pq.write_table(table.set_column(at, "title", [titles]), items)
    server = Server(home)
    yield server
    server.close()


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium; it ends with its module, since Playwright's loop keeps other tests from theirs."""
    playwright = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    if not Path(CHROMIUM).exists():
        pytest.skip("no chromium; as root: apt-get install chromium")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=CHROMIUM, args=_FLAGS)
        yield browser
        browser.close()


class Tab:
    """One visitor's tab on a shop of our own: pages by path, and what goes over the wire."""

    def __init__(self, page: Any, server: Server) -> None:
        self.page = page
        self.server = server
        self.calls: list[str] = []  # path of every call of the API
        self.faults: list[str] = []  # what window.onerror would have seen
        page.on("pageerror", lambda fault: self.faults.append(str(fault)))
        page.on("request", lambda request: self._note(request.url))

    def _note(self, url: str) -> None:
        path = url.removeprefix(self.server.url)
        if path.startswith("/v1/"):
            self.calls.append(path)

    def open(self, body: str = "", path: str = "/shop/a", **given: str) -> None:
        """Open a page with the tracker on it; `given` are its data- attributes, _ for -."""
        url, html = self.server.url + path, self.html(body, **given)
        self.page.route(url, lambda route: route.fulfill(body=html, content_type="text/html"))
        self.go(url)

    def html(self, body: str, **given: str) -> str:
        data = {"write_key": self.server.keys.write_key, **given}
        words = " ".join(f'data-{name.replace("_", "-")}="{v}"' for name, v in data.items())
        script = f'<script defer src="{self.server.url}/tracker.js" {words}></script>'
        return f"<!doctype html><title>A shop</title>{script}<body>{body}</body>"

    def go(self, url: str) -> None:
        self.page.goto(url)
        self.page.wait_for_function("window.nextbest && !Array.isArray(window.nextbest)")

    def wait(self, is_so: Callable[[], Any], patience: float = PATIENCE) -> Any:
        """Return what `is_so` returns as soon as it is true; the page goes on meanwhile."""
        deadline = time.monotonic() + patience
        while not (found := is_so()) and time.monotonic() < deadline:
            self.page.wait_for_timeout(50)
        return found

    def do(self, script: str) -> Any:
        return self.page.evaluate(script)

    @property
    def visitor(self) -> str:
        return self.do("nextbest.anonymousId()")

    def kinds(self, wanted: int) -> list[str]:
        """Return the visitor's events once there are `wanted`, and none comes after them."""
        visitor = self.visitor
        self.wait(lambda: len(self.server.kinds(visitor)) >= wanted)
        self.page.wait_for_timeout(300)
        return self.server.kinds(visitor)


@pytest.fixture
def visit(browser: Any, server: Server) -> Iterator[Callable[..., Tab]]:
    """Open tabs; `before` is a script that runs before any of a page's."""
    contexts = []

    def start(before: str = "", **given: Any) -> Tab:
        context = browser.new_context(**given)
        contexts.append(context)
        if before:
            context.add_init_script(before)
        return Tab(context.new_page(), server)

    yield start
    for context in contexts:
        context.close()
