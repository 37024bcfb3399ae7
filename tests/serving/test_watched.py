"""Whoever asks for what is new gets it, also while another thread is just loading it."""

import threading

from serving.watched import Watched


def test_a_refresh_returns_when_the_load_of_another_thread_is_done():
    begun, may_end, source = threading.Event(), threading.Event(), ["old"]

    def load():
        value = source[0]
        if value == "new":
            begun.set()
            may_end.wait(5)
        return value

    watched = Watched("thing", lambda: source[0], load)
    source[0] = "new"
    slow = threading.Thread(target=watched.refresh)
    slow.start()
    assert begun.wait(5)
    seen = []
    other = threading.Thread(target=lambda: (watched.refresh(), seen.append(watched.value)))
    other.start()
    other.join(0.1)
    may_end.set()
    slow.join(5)
    other.join(5)
    assert seen == ["new"]
