"""A Redis that is killed and started again loses nothing that was acknowledged."""

import threading
import time
from contextlib import closing

import pytest
from load import batches, load, settled
from once import check

from domain.errors import StoreUnavailable
from domain.settings import Settings
from feature_repo.backends import open_features, open_log
from feature_repo.stream import Recorder

pytestmark = pytest.mark.slow


def test_a_killed_redis_loses_and_doubles_nothing(redis_server, tmp_path):
    redis_server.empty()
    place = Settings(home=tmp_path, event_log=redis_server.url, online_store=redis_server.url)
    events = load(1, 3_000)
    acknowledged, cut_at = [], []
    with closing(open_log(place)) as log, closing(open_features(place)) as features:
        recorder = Recorder(log, features)

        def work():
            for batch in batches(events, 1):
                while True:  # as a client does: again until it is acknowledged
                    try:
                        recorder.record(batch)
                        break
                    except StoreUnavailable:
                        time.sleep(0.05)
                acknowledged.extend(e.message_id for e in batch)

        worker = threading.Thread(target=work)
        worker.start()
        for _ in range(3):
            time.sleep(0.3)
            redis_server.kill()
            cut_at.append(len(acknowledged))
            time.sleep(0.2)
            redis_server.start()
        worker.join(120)
    assert cut_at[0] > 0 and cut_at[-1] < 3_000  # it went away in the middle
    assert len(acknowledged) == 3_000
    assert len(settled(place, check)) == 3_000
