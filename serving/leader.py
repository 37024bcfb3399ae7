"""A worker ends with the process that started it, so that no orphan keeps the port."""

import logging
import multiprocessing
import os
import signal
import threading

logger = logging.getLogger(__name__)


def end_with_leader() -> None:
    """Have this worker finish its requests and end as soon as its leader is gone.

    `nextbest serve --workers N` has a leader, which no signal can reach any more once it was
    killed; without this its workers would go on under no one, and a new start would find the port
    taken. A process that has no leader is left alone.
    """
    leader = multiprocessing.parent_process()
    if leader is None:
        return

    def watch() -> None:
        leader.join()
        logger.error("the process that started this worker is gone; ending")
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="leader", daemon=True).start()
