"""The stream as a process of its own: folds what others store, until it is told to end."""

import logging
import signal
import threading
from types import FrameType

from feature_repo.log import Log
from feature_repo.store import Features
from feature_repo.stream import Stream

logger = logging.getLogger(__name__)
_LOOK_SECONDS = 0.02  # between two looks at a log where nothing is new
_RETRY_SECONDS = 1.0  # after a failure


def run(log: Log, features: Features) -> None:
    """Fold until the process gets SIGTERM or SIGINT; close both stores then."""
    ended = threading.Event()

    def end(_: int, __: FrameType | None) -> None:
        ended.set()

    for name in (signal.SIGTERM, signal.SIGINT):
        signal.signal(name, end)
    fold_until(ended, log, features)
    features.close()
    log.close()


def fold_until(ended: threading.Event, log: Log, features: Features) -> None:
    """Fold what comes until `ended` is set; a store that fails is tried again."""
    stream, read = Stream(log, features), -1
    while not ended.is_set():
        try:
            newest = log.last_seq()
            if newest != read:
                stream.catch_up()
                read = newest  # what came meanwhile is seen at the next look
            ended.wait(_LOOK_SECONDS)
        except Exception:  # a store that is away comes back; what was not committed is folded then
            logger.exception("folding failed; trying again")
            ended.wait(_RETRY_SECONDS)
