"""How Redis is reached when it is not there."""

import socket
import threading

import pytest

from domain.errors import StoreUnavailable
from feature_repo.redis_client import connect, reaching


def test_a_redis_that_is_away_is_tried_twice_and_no_longer():
    calls = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        url = f"redis://127.0.0.1:{server.getsockname()[1]}/0"

        def hang_up():
            while True:
                try:
                    caller, _ = server.accept()
                except OSError:
                    return
                calls.append(1)
                caller.close()

        thread = threading.Thread(target=hang_up, daemon=True)
        thread.start()
        with (
            pytest.raises(StoreUnavailable, match=r"127\.0\.0\.1:.* does not answer"),
            reaching(url),
        ):
            connect(url).get("x")
        server.shutdown(socket.SHUT_RDWR)
    thread.join(10)
    assert len(calls) == 2
