"""How the spend network learns: the zero-inflated lognormal loss, mini-batches, early stopping."""

import copy
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F

from models.torch_threads import threads


@dataclass(frozen=True, slots=True)
class Rows:
    """Network inputs x (n, width), spend y (n,) at or above 0, weights w (n,)."""

    x: np.ndarray
    y: np.ndarray
    w: np.ndarray


@dataclass(frozen=True, slots=True)
class SpendScale:
    """Mean and sd of log spend in training, and the bounds of sigma: the scale of the outputs."""

    log_mean: float
    log_sd: float
    min_sigma: float
    max_sigma: float


@dataclass(frozen=True, slots=True)
class Schedule:
    """How long and how fast to learn; `patience` is in epochs."""

    hidden: tuple[int, ...]
    epochs: int
    batch_size: int
    learning_rate: float
    weight_decay: float
    patience: int
    num_threads: int
    seed: int


def train_network(
    train: Rows, held_out: Rows, scale: SpendScale, schedule: Schedule
) -> dict[str, np.ndarray]:
    """Return the weights of the epoch with the least held-out loss, float32 arrays by name."""
    with threads(schedule.num_threads), torch.random.fork_rng(devices=[]):
        torch.manual_seed(schedule.seed)
        network = _network(train, scale, schedule.hidden)
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=schedule.learning_rate, weight_decay=schedule.weight_decay
        )
        best, best_loss, waited = (
            copy.deepcopy(network.state_dict()),
            _mean_loss(network, held_out, scale),
            0,
        )
        for _ in range(schedule.epochs):
            _one_epoch(network, optimizer, train, scale, schedule.batch_size)
            loss = _mean_loss(network, held_out, scale)
            waited += 1
            if loss < best_loss - 1e-5:
                best, best_loss, waited = copy.deepcopy(network.state_dict()), loss, 0
            if waited >= schedule.patience:
                break
    return {name: value.numpy().copy() for name, value in best.items()}


def ziln_loss(outputs: Tensor, spend: Tensor, weights: Tensor, scale: SpendScale) -> Tensor:
    """Return the weighted mean zero-inflated lognormal loss of outputs (B, 3), spend (B,).

    Wang, Liu & Miao 2019, "A Deep Probabilistic Model for Customer Lifetime Value Prediction",
    the ZILN loss: the negative log-likelihood
    -1{x=0} log(1-p) - 1{x>0} (log p - log(x sigma sqrt(2 pi)) - (log x - mu)^2 / (2 sigma^2)),
    without the terms log x and log sqrt(2 pi), which no weight can change.
    """
    spends = (spend > 0).to(outputs.dtype)  # (B,)
    hurdle = F.binary_cross_entropy_with_logits(outputs[:, 0], spends, reduction="none")
    mu = scale.log_mean + scale.log_sd * outputs[:, 1]
    # A bounded sigma: exp(sigma^2 / 2) multiplies the prediction, so a free one can explode.
    sigma = scale.min_sigma + (scale.max_sigma - scale.min_sigma) * torch.sigmoid(outputs[:, 2])
    logs = torch.log(
        torch.where(spend > 0, spend, torch.ones_like(spend))
    )  # finite where spend is 0
    amount = torch.log(sigma) + (logs - mu) ** 2 / (2 * sigma**2)
    return (weights * (hurdle + spends * amount)).sum() / weights.sum().clamp_min(1e-12)


def _network(train: Rows, scale: SpendScale, hidden: tuple[int, ...]) -> nn.Sequential:
    sizes = [train.x.shape[1], *hidden]
    layers: list[nn.Module] = []
    for wide, narrow in pairwise(sizes):
        layers += [nn.Linear(wide, narrow), nn.ReLU()]
    head = nn.Linear(sizes[-1], 3)
    with (
        torch.no_grad()
    ):  # start from what holds for all: the share of spenders, mean and sd of log spend
        head.weight.mul_(0.1)
        head.bias.copy_(torch.tensor(_start(train, scale)))
    return nn.Sequential(*layers, head)


def _start(train: Rows, scale: SpendScale) -> list[float]:
    share = float(np.clip(np.average(train.y > 0, weights=train.w), 1e-4, 1 - 1e-4))
    sigma = (scale.log_sd - scale.min_sigma) / (scale.max_sigma - scale.min_sigma)
    sigma = float(np.clip(sigma, 0.02, 0.9))
    return [float(np.log(share / (1 - share))), 0.0, float(np.log(sigma / (1 - sigma)))]


def _one_epoch(
    network: nn.Sequential,
    optimizer: torch.optim.Optimizer,
    rows: Rows,
    scale: SpendScale,
    batch_size: int,
) -> None:
    x, y, w = _tensors(rows)
    for batch in torch.split(torch.randperm(len(y)), batch_size):
        optimizer.zero_grad()
        ziln_loss(network(x[batch]), y[batch], w[batch], scale).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 5.0)
        optimizer.step()


def _mean_loss(network: nn.Sequential, rows: Rows, scale: SpendScale) -> float:
    x, y, w = _tensors(rows)
    with torch.no_grad():
        return float(ziln_loss(network(x), y, w, scale))


def _tensors(rows: Rows) -> tuple[Tensor, Tensor, Tensor]:
    return tuple(torch.as_tensor(a, dtype=torch.float32) for a in (rows.x, rows.y, rows.w))  # type: ignore[return-value]
