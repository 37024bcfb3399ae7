"""Splits: what every model may see, what each user took afterwards, and a validation cut inside."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd
from recommender_files import Log, Wanted, read_lists, read_log
from scipy.sparse import csr_matrix

from domain.errors import InvalidInput
from models.history import History
from models.interactions import Interactions

VALIDATION_USERS = 4_000
LEAST_ROWS = 20
PROTOCOLS = ("given", "leave-last-out", "time")
DEFAULT_TEST_SHARE = 0.2


@dataclass(eq=False)
class Split:
    """What is learned from, and for each asked user (t,) what was had before and taken after.

    targets, seen: (t, items) 0/1 over the items of train; wanted (t,) counts what each took.
    """

    train: Interactions
    users: np.ndarray
    targets: csr_matrix
    seen: csr_matrix
    wanted: np.ndarray
    notes: tuple[str, ...]

    @cached_property
    def histories(self) -> list[History]:
        """What each asked user did before, oldest act first."""
        known = dict(self.train.histories())
        return [known.get(str(self.train.user_ids[user]), History()) for user in self.users]

    def only(self, rows: np.ndarray) -> "Split":
        """Return the same split asked by fewer users."""
        return Split(
            self.train,
            self.users[rows],
            self.targets[rows],
            self.seen[rows],
            self.wanted[rows],
            self.notes,
        )


@dataclass(frozen=True, eq=False)
class Task:
    """A split, and how to cut a set of interactions for validation in the same way."""

    protocol: str
    split: Split
    cut: Callable[[], Split]


def load_task(
    path: Path, protocol: str, wanted: Wanted, at: str | None, min_count: int, seed: int
) -> Task:
    """Read the data and split it by a protocol."""
    if protocol == "given":
        return _given(path, seed)
    log = _at_least(read_log(path, wanted), min_count)
    if len(log.users) < LEAST_ROWS:
        raise InvalidInput(f"--data: {len(log.users)} interactions; give at least {LEAST_ROWS}")
    return _leave_last_out(log, seed) if protocol == "leave-last-out" else _by_time(log, at, seed)


def _given(path: Path, seed: int) -> Task:
    train, test = (read_lists(_part(path, name)) for name in ("train", "test"))
    both = _interactions(
        np.concatenate([train[0], test[0]]), np.concatenate([train[1], test[1]]), None
    )
    later = np.arange(len(both)) >= len(train[0])
    split = hold_out(both, later)
    share = later.mean()
    return Task("given", split, lambda: _sampled(_random_cut(split.train, share, seed), seed))


def _part(path: Path, name: str) -> Path:
    if not path.is_dir():
        raise InvalidInput(f"--data: {path} is not a folder; `given` needs one with train and test")
    found = [
        path / f"{name}.txt{end}" for end in ("", ".gz") if (path / f"{name}.txt{end}").is_file()
    ]
    if not found:
        raise InvalidInput(f"--data: {path} lacks {name}.txt (or {name}.txt.gz)")
    return found[0]


def _leave_last_out(log: Log, seed: int) -> Task:
    order = np.arange(len(log.users)) if log.times is None else np.argsort(log.times, kind="stable")
    times = None if log.times is None or not log.clock else log.times[order]
    rows = _interactions(log.users[order], log.items[order], times)
    if times is None:
        rows = replace(rows, times=np.arange(len(rows)))
    split = hold_out(rows, _last_new(rows), log.notes)
    return Task(
        "leave-last-out",
        split,
        lambda: _sampled(hold_out(split.train, _last_new(split.train)), seed),
    )


def _by_time(log: Log, at: str | None, seed: int) -> Task:
    if log.times is None:
        raise InvalidInput("--protocol time: the file has no column of times; name it with --time")
    order = np.argsort(log.times, kind="stable")
    rows = _interactions(log.users[order], log.items[order], log.times[order])
    border = _border(log, at)
    split = hold_out(rows, rows.times >= border, log.notes, counts_unknown=False)
    first, last = float(rows.times[0]), float(rows.times[-1])
    before = border - (last - border)  # a validation period as long as the test period
    if before < first + 0.3 * (border - first):
        before = float(np.quantile(split.train.times, 1 - DEFAULT_TEST_SHARE))
    said = f"cut at {_said(border, log.clock)}, validation from {_said(before, log.clock)} on"
    split.notes = (said, *split.notes)
    return Task(
        "time",
        split,
        lambda: _sampled(
            hold_out(split.train, split.train.times >= before, counts_unknown=False), seed
        ),
    )


def _border(log: Log, at: str | None) -> float:
    assert log.times is not None
    if at is None:
        return float(np.quantile(log.times, 1 - DEFAULT_TEST_SHARE))
    try:
        border = float(at) if not log.clock else float(pd.Timestamp(at).value // 1000)
    except ValueError as wrong:
        raise InvalidInput(f"--cut: {at!r} is not a date like 2011-06-10: {wrong}") from wrong
    if not log.times.min() < border <= log.times.max():
        said = [_said(float(t), log.clock) for t in (log.times.min(), log.times.max())]
        raise InvalidInput(f"--cut: {at} is outside of the data ({said[0]} to {said[1]})")
    return border


def _said(at: float, clock: bool) -> str:
    return str(pd.Timestamp(int(at), unit="us"))[:19] if clock else f"{at:g}"


def hold_out(
    rows: Interactions,
    later: np.ndarray,
    notes: tuple[str, ...] = (),
    counts_unknown: bool = True,
) -> Split:
    """Split rows by a mask; targets are items that are new to the user.

    `counts_unknown`: items that nobody had before count as taken, though no model can name them,
    and users without any past are asked; else both are left out.
    """
    known, codes = np.unique(rows.items[~later], return_inverse=True)
    if not len(known) or not later.any():
        raise InvalidInput("--data: nothing is left to learn from, or to test on; give more data")
    train = replace(
        rows,
        users=rows.users[~later],
        items=codes,
        weights=rows.weights[~later],
        times=None if rows.times is None else rows.times[~later],
        item_ids=rows.item_ids[known],
    )
    width = len(rows.item_ids)
    had = np.unique(rows.users[~later].astype(np.int64) * width + rows.items[~later])
    took = np.unique(rows.users[later].astype(np.int64) * width + rows.items[later])
    new = np.setdiff1d(took, had, assume_unique=True)
    of, item = new // width, new % width
    if not counts_unknown:
        kept = np.isin(item, known) & np.isin(of, train.users)
        of, item = of[kept], item[kept]
    users, row = np.unique(of, return_inverse=True)
    if not len(users):
        raise InvalidInput("--data: no user took anything new after the cut; give more data")
    wanted = np.bincount(row)
    at = np.searchsorted(known, item)
    inside = known[np.minimum(at, len(known) - 1)] == item
    targets = _zero_one(row[inside], at[inside], (len(users), len(known)))
    seen = train.matrix()[users]
    seen.data[:] = 1.0
    if len(took) > len(new):
        notes = (
            *notes,
            f"{len(took) - len(new):,} pairs that the user had before left out of the test",
        )
    return Split(train, users, targets, seen, wanted, notes)


def _zero_one(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> csr_matrix:
    return csr_matrix((np.ones(len(rows), dtype=np.float32), (rows, columns)), shape=shape)


def _interactions(users: np.ndarray, items: np.ndarray, times: np.ndarray | None) -> Interactions:
    return Interactions.from_ids(users, items, times=times)


def _at_least(log: Log, count: int) -> Log:
    """Leave out items with fewer than `count` acts."""
    if count <= 1:
        return log
    _, codes, counts = np.unique(log.items, return_inverse=True, return_counts=True)
    kept = counts[codes] >= count
    times = None if log.times is None else log.times[kept]
    said = f"items with at least {count} acts: {kept.sum():,} of {len(kept):,} acts"
    return Log(log.users[kept], log.items[kept], times, log.clock, (*log.notes, said))


def _last_new(rows: Interactions) -> np.ndarray:
    """Mark, for each user with two items or more, the last item that was new, and all after it."""
    position = np.arange(len(rows))
    pairs = rows.users.astype(np.int64) * len(rows.item_ids) + rows.items
    first = np.unique(pairs, return_index=True)[1]  # rows are in order of time
    last = np.full(len(rows.user_ids), len(rows))
    latest = np.zeros(len(rows.user_ids), dtype=np.int64) - 1
    np.maximum.at(latest, rows.users[first], first)
    several = np.bincount(rows.users[first], minlength=len(latest)) >= 2
    last[several] = latest[several]
    marked = position >= last[rows.users]
    if not marked.any():
        raise InvalidInput("--data: no user has two items; nothing can be left out")
    return marked


def _random_cut(rows: Interactions, share: float, seed: int) -> Split:
    """Hold out a share of each user's items, at least one of three or more."""
    drawn = np.random.default_rng(seed).random(len(rows))
    order = np.lexsort((drawn, rows.users))
    users = rows.users[order]
    starts = np.searchsorted(users, users)
    rank = np.arange(len(users)) - starts
    counts = np.bincount(users)[users]
    hold = np.where(counts >= 3, np.maximum(np.rint(share * counts), 1), 0)
    later = np.zeros(len(rows), dtype=bool)
    later[order] = rank < hold
    if not later.any():
        raise InvalidInput("--data: no user has three items; settings cannot be chosen")
    return hold_out(rows, later)


def _sampled(split: Split, seed: int) -> Split:
    if len(split.users) <= VALIDATION_USERS:
        return split
    rng = np.random.default_rng(seed)
    return split.only(np.sort(rng.choice(len(split.users), VALIDATION_USERS, replace=False)))
