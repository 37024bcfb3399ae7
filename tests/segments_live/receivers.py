"""Real HTTP receivers on loopback: they answer as told, or not at all, and keep what came."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Receiver:
    """`answers` are the statuses of the first requests; later ones get 200."""

    def __init__(self, answers: list[int], hangs: bool) -> None:
        self.answers, self.hangs = answers, hangs
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.accepted: list[bytes] = []
        self.url = ""

    def take(self, headers: dict[str, str], body: bytes) -> int:
        self.got.append((headers, body))
        status = self.answers.pop(0) if self.answers else 200
        if status == 200:
            self.accepted.append(body)
        return status


@contextmanager
def receiver(*answers: int, hangs: bool = False) -> Iterator[Receiver]:
    found, over = Receiver(list(answers), hangs), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if found.hangs:
                over.wait(5)
                return
            self.send_response(found.take(dict(self.headers), body))
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.url = f"http://127.0.0.1:{server.server_port}/hook"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield found
    finally:
        over.set()
        server.shutdown()
        server.server_close()
        thread.join()


def until(condition, seconds: float = 5.0) -> bool:
    end = time.monotonic() + seconds
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return bool(condition())
