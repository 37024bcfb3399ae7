"""The Python libraries of Segment and RudderStack as they are, with only the host changed."""

import threading
import urllib.error
import urllib.request
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from rudderstack.analytics.client import Client as RudderClient
from segment.analytics.client import Client as SegmentClient

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("client_of", [SegmentClient, RudderClient], ids=["segment", "rudder"]),
]
LOST = 599  # taken in, but the sender hears 500


class Faulty(ThreadingHTTPServer):
    """Hands requests on to the service, after answering the first ones with faults."""

    def __init__(self, target: str, faults: list[int]) -> None:
        super().__init__(("127.0.0.1", 0), _Hop)
        self.target, self.faults, self.answers = target, faults, []


class _Hop(BaseHTTPRequestHandler):
    server: Faulty

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        fault = self.server.faults.pop(0) if self.server.faults else None
        status, answer = self._pass_on(body) if fault in (None, LOST) else (fault, b"{}")
        status = 500 if fault == LOST else status
        self.server.answers.append(status)
        self.send_response(status)
        if fault == 429:
            self.send_header("Retry-After", "1")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def _pass_on(self, body):
        kept = ("Authorization", "Content-Encoding", "Content-Type")
        headers = {name: self.headers[name] for name in kept if self.headers[name]}
        asked = urllib.request.Request(self.server.target + self.path, body, headers)
        try:
            with urllib.request.urlopen(asked, timeout=10) as found:
                return found.status, found.read()
        except urllib.error.HTTPError as fault:
            return fault.code, fault.read()

    def log_message(self, *_):
        """Say nothing."""


@contextmanager
def faulty(target: str, faults: list[int]) -> Iterator[Faulty]:
    proxy = Faulty(target, faults)
    thread = threading.Thread(target=proxy.serve_forever)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()


def send_all(client: SegmentClient | RudderClient, name: str) -> dict[str, str]:
    """Make one call of every kind; return message id -> the kind it becomes here."""
    sent = [
        (client.identify("ada", {"firstName": "Ada"}, anonymous_id=f"dev-{name}"), "identify"),
        (client.track("ada", "Order Completed", {"order_id": name, "revenue": 9.5}), "purchase"),
        (client.track(17, "Made Up Here", {"nested": {"a": [1, None]}}), "Made Up Here"),
        (client.page("ada", "shop", "Home", {"path": "/"}), "page-view"),
        (client.screen("ada", "app", "Start"), "page-view"),
        (client.group("ada", 4711, {"name": "Acme"}), "group"),
        (client.alias(f"old-{name}", "ada"), "alias"),
    ]
    return {message["messageId"]: kind for (_, message), kind in sent}


@pytest.mark.parametrize("gzip", [False, True])
def test_every_call_of_the_sdk_is_stored_once(server, client_of, gzip):
    failures: list[Exception] = []
    client = client_of(
        server.write_key, host=server.url, gzip=gzip, upload_interval=0.05,
        on_error=lambda fault, _: failures.append(fault),
    )  # fmt: skip
    sent = send_all(client, f"plain-{client_of.__module__}-{gzip}")
    client.shutdown()
    assert not failures
    assert {i: kind for i, kind in server.stored().items() if i in sent} == sent


def test_a_batch_counts_once_whatever_happens_on_its_way(server, client_of):
    """500, then 429, then 500 though it was taken in: the SDK sends the same ids again."""
    failures: list[Exception] = []
    with faulty(server.url, [500, 429, LOST]) as proxy:
        client = client_of(
            server.write_key, host=f"http://127.0.0.1:{proxy.server_port}", gzip=True,
            upload_interval=0.3, max_retries=5,
            on_error=lambda fault, _: failures.append(fault),
        )  # fmt: skip
        before = len(server.stored())
        sent = send_all(client, f"faulty-{client_of.__module__}")
        client.shutdown()
    assert not failures
    assert proxy.answers[:3] == [500, 429, 500] and proxy.answers[-1] == 200
    stored = server.stored()
    assert len(stored) == before + len(sent)
    assert Counter(stored[i] for i in sent) == Counter(sent.values())


def test_a_wrong_key_is_told_to_the_sender(server, client_of):
    failures: list[Exception] = []
    client = client_of(
        "pk_wrong", host=server.url, upload_interval=0.05,
        on_error=lambda fault, _: failures.append(fault),
    )  # fmt: skip
    client.track("ada", "search")
    client.shutdown()
    assert [(f.status, f.code) for f in failures] == [(401, "not_authenticated")]
