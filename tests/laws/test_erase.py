"""Law 8: after an erasure no store, index, export or new training row holds the person."""

import json
from dataclasses import replace
from datetime import timedelta

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from histories import START
from traces import redis_traces, traces

from domain.errors import NotFound
from domain.events import Event, Line
from domain.settings import EMBEDDED
from feature_repo.backends import open_features, open_log
from feature_repo.build import build_features
from feature_repo.erasure import erase, resume
from feature_repo.lake import export
from feature_repo.states import build_states
from feature_repo.stream import Recorder, load_states

PERSON = ["vic-one", "vic-two", "vic-phone", "vic-tablet", "vic@gone.example", "vm-"]
LATER = START + timedelta(days=40)


def did(n: str, day: int, customer: str | None, device: str | None = None, **more) -> Event:
    at = START + timedelta(days=day)
    kind = more.pop("kind", "page-view")
    return Event(n, kind, at, at, customer, device, **more)


MINE = [
    did("vm-1", 1, None, "vic-phone"),
    did("vm-2", 2, "vic-one", "vic-phone", kind="identify", traits={"email": "vic@gone.example"}),
    did("vm-3", 3, "vic-two", "vic-tablet", kind="identify", traits={"email": "Vic@gone.example"}),
    did("vm-4", 4, "vic-two", kind="purchase", value=9.0, lines=(Line("i1"),)),
    did("vm-5", 5, None, "vic-tablet", consent={"marketing": True}),
]
OTHERS = [
    did("om-1", 6, "ann", "vic-tablet", consent={"marketing": False}),  # a tablet for two
    did("om-2", 7, "ann", "ann-phone", kind="identify", traits={"email": "ann@here.example"}),
    did("om-3", 8, "bob", kind="purchase", value=5.0, lines=(Line("i2"),)),
    did("om-4", 8, None, "nobody"),
]


class Shop:
    """The parts of one place; `traces` looks into its files and into the Redis of the place."""

    def __init__(self, place):
        self.place, self.home = place, place.home
        self.log, self.features = open_log(place), open_features(place)

    def traces(self, texts):
        found = traces(self.home, texts)
        return found if self.place.event_log == EMBEDDED else found + redis_traces(
            self.place.event_log, texts
        )  # fmt: skip

    def close(self):
        self.features.close()
        self.log.close()


@pytest.fixture
def shop(place, tmp_path):
    shop = Shop(place)
    log, features = shop.log, shop.features
    Recorder(log, features).record([*MINE, *OTHERS])
    export(log, tmp_path)
    build_features(tmp_path, [START + timedelta(days=5), LATER])
    people = ["vic-one", "vic-two", "vic-phone", "ann", "bob", "nobody"]
    features.write_scores((p, json.dumps({"churn": {"probability": 0.5}}), LATER) for p in people)
    for folder in ("scored", "releases/r1", "releases/r2"):
        (tmp_path / folder).mkdir(parents=True)
        table = pa.table({"profile_id": people, "churn": [0.5] * len(people)})
        pq.write_table(table, tmp_path / folder / "profiles.parquet")
        vectors = np.ones((len(people), 2), dtype=np.float32)
        ids = np.array(people)
        np.savez(tmp_path / folder / "customers.npz", profile_ids=ids, vectors=vectors)
    (tmp_path / "scored" / "customers.npz").unlink()
    yield shop
    shop.close()


def states_of(features, people):
    return {p: s.state for p, s in features.read_many(people).items()}


@pytest.mark.parametrize("asked", ["vic-one", "vic-two", "vic-phone"])
def test_a_person_is_gone_under_every_id_and_from_every_file(shop, asked):
    log, features, home = shop.log, shop.features, shop.home
    assert {text for _, text in shop.traces(PERSON)} == set(PERSON)
    told = []
    done = erase(log, features, home, asked, LATER, told.extend)
    assert shop.traces(PERSON) == []
    assert set(done.ids) == set(told) == {"vic-one", "vic-two", "vic-phone", "vic-tablet"}
    assert (done.events, done.compacted) == (5, True)


def test_neighbours_keep_everything(shop):
    log, features, home = shop.log, shop.features, shop.home
    before = states_of(features, ["ann", "bob", "nobody"])
    built = {i: text for i, text in build_states(home, LATER) if not i.startswith("vic")}
    erase(log, features, home, "vic-one", LATER, lambda _: None)
    after = states_of(features, ["ann", "bob", "nobody"])
    assert after["bob"] == before["bob"] and after["nobody"] == before["nobody"]
    assert after["ann"].tallies == before["ann"].tallies
    assert [s.value for s in after["ann"].consents["marketing"].values()] == [False, False]
    rebuilt = dict(build_states(home, LATER))
    assert set(rebuilt) == set(built) and rebuilt["bob"] == built["bob"]
    for release in ("r1", "r2"):
        kept = pq.read_table(home / "releases" / release / "profiles.parquet")
        assert kept["profile_id"].to_pylist() == ["ann", "bob", "nobody"]
        with np.load(home / "releases" / release / "customers.npz") as arrays:
            assert arrays["profile_ids"].tolist() == ["ann", "bob", "nobody"]
            assert arrays["vectors"].shape == (3, 2)


def test_no_replay_and_no_import_brings_the_person_back(shop):
    log, features, home = shop.log, shop.features, shop.home
    erase(log, features, home, "vic-two", LATER, lambda _: None)
    recorder = Recorder(log, features)
    assert recorder.record(MINE) == [False] * 5
    assert log.append([*MINE, did("vm-9", 9, None, "vic-phone")]).stored == 0
    assert recorder.record([did("om-5", 9, "ann", "vic-tablet")]) == [True]  # hers, not the device
    assert log.admits([MINE[0], OTHERS[0]]) == [False, True]
    export(log, home)
    build_features(home, [LATER])
    load_states(log, features, home)
    assert shop.traces(PERSON) == []
    with pytest.raises(NotFound, match="erased already"):
        erase(log, features, home, "vic-one", LATER, lambda _: None)
    with pytest.raises(NotFound, match="nothing is known"):
        erase(log, features, home, "stranger", LATER, lambda _: None)


def test_an_erasure_that_was_cut_off_is_finished_later(shop):
    log, features, home = shop.log, shop.features, shop.home

    def fail(_):
        raise OSError("the power is gone")

    with pytest.raises(OSError):
        erase(log, features, home, "vic-one", LATER, fail)
    (done,) = resume(log, features, home, LATER, lambda _: None)
    assert done.compacted and shop.traces(PERSON) == []
    assert resume(log, features, home, LATER, fail) == []


def test_a_key_of_too_many_joins_nobody_after_one_of_them_is_erased(place):
    shop = Shop(replace(place, identity_max_profiles=2))
    log, features = shop.log, shop.features
    people = ["vic-one", "ann", "bob"]
    Recorder(log, features).record(
        [did(f"m{p}", n, p, kind="identify", traits={"email": "desk@shop.example"})
         for n, p in enumerate(people)]
    )  # fmt: skip
    assert [log.resolve(p) for p in people] == people
    erase(log, features, shop.home, "vic-one", LATER, lambda _: None)
    assert [log.resolve(p) for p in ("ann", "bob")] == ["ann", "bob"]
    assert shop.traces(["vic-one"]) == []
    shop.close()


def test_only_the_owner_may_read_the_salt(shop):
    assert (shop.home / "identity.salt").stat().st_mode & 0o777 == 0o600
