"""How the sequence model learns: windows of each history, shared negatives, softmax loss."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from models.sequence_network import NextItemNetwork, Shape
from models.torch_threads import threads

Window = tuple[np.ndarray, np.ndarray]  # items (t,), and what came next after each (t,)


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn; `minutes` ends it earlier, the rate then falls faster."""

    epochs: int
    minutes: float | None
    batch_windows: int
    negatives: int
    learning_rate: float
    weight_decay: float
    dropout: float
    num_threads: int
    seed: int


def train_network(
    histories: Sequence[np.ndarray],
    shape: Shape,
    schedule: Schedule,
    after_epoch: Callable[[int, float, NextItemNetwork], None] | None = None,
) -> dict[str, np.ndarray]:
    """Return the learned weights, float32 arrays by name; histories hold item codes, oldest first.

    Each epoch cuts each history anew, at a random place, into windows of at most `shape.length`
    that together ask for every item after the first once. `after_epoch` gets the number of the
    epoch, its mean loss and the network.
    """
    device = "cuda" if torch.cuda.is_available() else "cpu"
    with threads(schedule.num_threads), torch.random.fork_rng():
        torch.manual_seed(schedule.seed)
        learner = _Learner(histories, shape, schedule, device)
        for epoch in range(schedule.epochs):
            loss = learner.one_epoch(epoch)
            if after_epoch is not None:
                after_epoch(epoch, loss, learner.network)
            if learner.share(epoch + 1) >= 1.0:
                break
    return {
        name: value.cpu().numpy().copy() for name, value in learner.network.state_dict().items()
    }


class Negatives:
    """Draws items to tell the true one from, half evenly and half by how often they are taken.

    The logits are corrected by the log of the expected count, so that the loss estimates that of
    the softmax over all items (Bengio & Senecal 2008; Yi et al. 2019).
    """

    def __init__(self, histories: Sequence[np.ndarray], items: int, count: int) -> None:
        taken = np.bincount(np.concatenate(histories), minlength=items).astype(np.float64)
        self.log_share = np.log((taken + 1) / (taken + 1).sum())  # (items,)
        self.count = count
        self._p = 0.5 / items + 0.5 * taken / taken.sum()
        self._up_to = np.cumsum(self._p)

    def __call__(self, rng: np.random.Generator) -> tuple[Tensor, Tensor]:
        """Return distinct items (M,), and log of times drawn over times expected, (M,) float32."""
        at = np.searchsorted(self._up_to, rng.random(self.count) * self._up_to[-1])
        items, times = np.unique(np.minimum(at, len(self._p) - 1), return_counts=True)
        correction = np.log(times / (self.count * self._p[items])).astype(np.float32)
        return torch.from_numpy(items), torch.from_numpy(correction)


def next_item_loss(
    network: NextItemNetwork, h: Tensor, target: Tensor, items: Tensor, correction: Tensor
) -> Tensor:
    """Return the mean softmax loss of h (N, D), target (N,), against drawn items (M,)."""
    e, b = network.items.weight, network.item_bias
    positive = (h * e[target]).sum(-1) + b[target]  # (N,)
    drawn = torch.addmm(b[items] + correction, h, e[items].T)  # (N, D) x (D, M) -> (N, M)
    column = torch.full((len(b),), -1, device=h.device).scatter(
        0, items, torch.arange(len(items), device=h.device)
    )[target]  # (N,): where the true item itself was drawn, it does not count
    hits = column.ge(0).nonzero()[:, 0]
    drawn = drawn.index_put_((hits, column[hits]), torch.tensor(-torch.inf, device=h.device))
    whole = torch.logaddexp(positive, torch.logsumexp(drawn, dim=1))  # (N,)
    return (whole - positive).mean()


def windows(histories: Sequence[np.ndarray], length: int, rng: np.random.Generator) -> list[Window]:
    """Cut each history at a random place into windows that ask for each later item once."""
    found = []
    for history in histories:
        last = len(history) - 1
        start = int(rng.integers(1, length + 1)) if last > length else length
        ends = [*range(start, last, length), last] if last > 0 else []
        begin = 0
        for end in ends:
            found.append((history[begin:end], history[begin + 1 : end + 1]))
            begin = end
    return found


def padded(rows: Sequence[np.ndarray]) -> tuple[Tensor, Tensor]:
    """Return rows as ids (B, T), zeros after the end, and which are real (B, T) bool."""
    sizes = np.array([len(row) for row in rows])
    real = np.arange(sizes.max()) < sizes[:, None]
    ids = np.zeros(real.shape, dtype=np.int64)
    ids[real] = np.concatenate(rows)
    return torch.from_numpy(ids), torch.from_numpy(real)


class _Learner:
    """One training under way: the network, where it stands in its schedule, and its chance."""

    def __init__(
        self, histories: Sequence[np.ndarray], shape: Shape, schedule: Schedule, device: str
    ) -> None:
        self.histories, self.shape, self.schedule = histories, shape, schedule
        self.rng = np.random.default_rng(schedule.seed)
        self.drawn = Negatives(histories, shape.items, schedule.negatives)
        network = NextItemNetwork(shape, schedule.dropout)
        with torch.no_grad():  # start from how often each item is taken
            network.item_bias.copy_(torch.from_numpy(self.drawn.log_share))
        self.network = network.to(device)
        self.optimizer = torch.optim.AdamW(
            network.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay
        )
        self.start = time.monotonic()

    def share(self, epochs: float) -> float:
        """Return how much of the schedule is over, by epochs or by the clock, from 0 to 1."""
        by_clock = 0.0
        if self.schedule.minutes is not None:
            by_clock = (time.monotonic() - self.start) / 60 / self.schedule.minutes
        return min(1.0, max(epochs / self.schedule.epochs, by_clock))

    def one_epoch(self, epoch: int) -> float:
        """Learn from each window once, while there is time; return the mean loss."""
        self.network.train()
        losses: list[float] = []
        batches = self._batches()
        for number, batch in enumerate(batches):
            share = self.share(epoch + number / len(batches))
            if share >= 1.0:
                break
            for group in self.optimizer.param_groups:
                group["lr"] = _rate(self.schedule.learning_rate, share)
            losses.append(self._step(batch))
        return float(np.mean(losses)) if losses else math.nan

    def _batches(self) -> list[list[Window]]:
        """Return windows of like length together, the batches in random order."""
        found = windows(self.histories, self.shape.length, self.rng)
        order = self.rng.permutation(len(found))
        sizes = np.array([len(given) for given, _ in found])[order]
        order = order[np.argsort(sizes, kind="stable")]
        size = self.schedule.batch_windows
        starts = self.rng.permutation(np.arange(0, len(order), size))
        return [[found[at] for at in order[start : start + size]] for start in starts]

    def _step(self, batch: Sequence[Window]) -> float:
        device = self.network.item_bias.device
        ids, real = padded([given for given, _ in batch])
        target = torch.from_numpy(np.concatenate([after for _, after in batch])).to(device)
        items, correction = (part.to(device) for part in self.drawn(self.rng))
        self.optimizer.zero_grad(set_to_none=True)
        h = self.network(ids.to(device))[real.to(device)]  # (B, T, D) -> (N, D), as target
        loss = next_item_loss(self.network, h, target, items, correction)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        self.optimizer.step()
        return float(loss.detach())


def _rate(most: float, share: float) -> float:
    """Return the learning rate: up over the first 2 %, then down to 0 along a cosine."""
    return most * min(1.0, share / 0.02 + 0.05) * 0.5 * (1 + math.cos(math.pi * share))
