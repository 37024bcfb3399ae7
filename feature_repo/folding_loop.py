"""The stream as a process of its own: folds what others store, until it is told to end.

Any number may run, on one machine or on many. Where the log has several partitions each takes its
share of them, and takes over those of a process that died.
"""

import logging
import signal
import threading
from types import FrameType

from domain.errors import StoreUnavailable
from feature_repo.consumers import Consumer
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
    consumer, stream = log.consumer(), Stream(log, features, partitions=())
    while not ended.is_set():
        try:
            stream = _look(ended, consumer, stream, log, features)
        except Exception:  # a store that is away comes back; what was not committed is folded then
            logger.exception("folding failed; trying again")
            ended.wait(_RETRY_SECONDS)
            consumer, stream = log.consumer(), Stream(log, features, partitions=())
    try:
        consumer.leave()
    except StoreUnavailable as fault:
        logger.warning("the partitions of this stream are free in a moment: %s", fault)


def _look(
    ended: threading.Event, consumer: Consumer, stream: Stream, log: Log, features: Features
) -> Stream:
    """Fold what is new in the partitions that are ours now; return the stream over them."""
    mine = tuple(consumer.claimed())
    is_new = consumer.wait(_LOOK_SECONDS)
    if mine != tuple(stream.partitions):
        stream, is_new = Stream(log, features, partitions=mine), True
    while mine and is_new and not ended.is_set():
        is_new = stream.moves() and tuple(consumer.claimed()) == mine
        consumer.done(stream.offsets)
    return stream
