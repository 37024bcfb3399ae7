"""One network, three answers: will they spend, how much, and how sure is that."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
import pandas as pd
from safetensors.numpy import load_file, save_file

from models.dense_inputs import DenseInputs
from models.encoder import FrameEncoder
from models.fitted import require_fitted
from models.manifest import params_of, read_manifest, saving
from models.protocols import Labelled
from models.targets import checked_target, checked_weights, require_spenders
from models.zero_inflated import Interval, mixture_interval

if TYPE_CHECKING:
    from models.ziln_training import Rows, Schedule, SpendScale

SPENDERS_NEEDED = 10
MIN_SIGMA = 0.05
CHUNK = 65_536  # rows scored at once, to bound memory


class ZILNScorer:
    """Expected spend as a zero-inflated lognormal (Wang, Liu & Miao 2019, arXiv:1912.07753).

    A multilayer perceptron gives p, mu and sigma per customer; the expected spend is
    p * exp(mu + sigma^2 / 2). sigma stays within MIN_SIGMA and `max_sigma`, mu within the log
    spends seen in training. It stops after `patience` epochs without gain on the validation set, or
    on a random `validation_fraction` of the rows. Only fit needs torch; scoring is numpy.
    """

    KIND: ClassVar[str] = "ziln"
    encoder_: FrameEncoder
    inputs_: DenseInputs
    layers_: dict[str, np.ndarray]  # "<position>.weight" (out, in), ".bias"
    log_spend_: np.ndarray  # mean, sd, least and greatest log spend

    def __init__(
        self,
        *,
        hidden: Sequence[int] = (64, 32),
        epochs: int = 200,
        batch_size: int = 256,
        learning_rate: float = 5e-3,
        weight_decay: float = 1e-3,
        patience: int = 15,
        validation_fraction: float = 0.15,
        max_sigma: float = 2.0,
        max_levels: int = 50,
        num_threads: int = 1,
        seed: int = 0,
    ) -> None:
        self.hidden = hidden
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.patience = patience
        self.validation_fraction = validation_fraction
        self.max_sigma = max_sigma
        self.max_levels = max_levels
        self.num_threads = num_threads
        self.seed = seed

    def fit(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        *,
        sample_weight: np.ndarray | None = None,
        validation: Labelled | None = None,
    ) -> Self:
        """Learn from X (n, columns) and spend y (n,) at or above 0."""
        from models.ziln_training import train_network

        target, weights = checked_target(X, y, "amount"), checked_weights(X, sample_weight)
        require_spenders(target, SPENDERS_NEEDED)
        self.encoder_ = FrameEncoder(max_levels=self.max_levels).fit(X)
        self.inputs_ = DenseInputs().fit(self.encoder_.encode(X), self.encoder_)
        logs = np.log(target[target > 0])
        self.log_spend_ = np.array([logs.mean(), max(logs.std(), 0.1), logs.min(), logs.max()])
        train, held_out = self._split(X, target, weights, validation)
        self.layers_ = train_network(train, held_out, self._scale(), self._schedule())
        return self

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        """Return the expected spend per row, (n,) float64, in the unit of y."""
        p, mu, sigma = self.distribution(X)
        return p * np.exp(mu + sigma**2 / 2)

    def predict_interval(self, X: pd.DataFrame, level: float = 0.8) -> Interval:
        """Return (low, high), each (n,): the central interval of spend at `level`."""
        from scipy.special import ndtri

        p, mu, sigma = self.distribution(X)
        return mixture_interval(p, level, lambda u: np.exp(mu + sigma * ndtri(u)))

    def distribution(self, X: pd.DataFrame) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return p (n,), and mu (n,), sigma (n,) of log spend given that there is some."""
        require_fitted(self, "layers_")
        encoded = self.encoder_.encode(X)
        outputs = np.empty((len(X), 3))
        for start in range(0, len(X), CHUNK):
            outputs[start : start + CHUNK] = self._forward(encoded[start : start + CHUNK])
        mean, sd, least, greatest = self.log_spend_
        p, share = _sigmoid(outputs[:, 0]), _sigmoid(outputs[:, 2])
        mu = np.clip(mean + sd * outputs[:, 1], least, greatest)
        return p, mu, MIN_SIGMA + (self.max_sigma - MIN_SIGMA) * share

    @property
    def features(self) -> tuple[str, ...]:
        """The names of the columns the model was trained with."""
        require_fitted(self, "encoder_")
        return self.encoder_.names

    def save(self, folder: Path) -> None:
        """Write `network.safetensors`, `inputs.npz` and `encoder.json` with a manifest."""
        require_fitted(self, "layers_")
        params = {**params_of(self), "hidden": list(self.hidden)}
        with saving(folder, self.KIND, params, self.features) as draft:
            save_file(self.layers_, draft / "network.safetensors")
            arrays = {**self.inputs_.to_arrays(), "log_spend": np.asarray(self.log_spend_)}
            np.savez(draft / "inputs.npz", **arrays)  # type: ignore[arg-type]
            (draft / "encoder.json").write_text(json.dumps(self.encoder_.to_plain()))

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model."""
        scorer = cls(**read_manifest(folder, cls.KIND).params)
        scorer.layers_ = load_file(Path(folder) / "network.safetensors")
        with np.load(Path(folder) / "inputs.npz", allow_pickle=False) as arrays:
            scorer.log_spend_ = arrays["log_spend"]
            scorer.inputs_ = DenseInputs.from_arrays(dict(arrays))
        plain = json.loads((Path(folder) / "encoder.json").read_text())
        scorer.encoder_ = FrameEncoder.from_plain(plain)
        return scorer

    def _forward(self, encoded: np.ndarray) -> np.ndarray:
        h = self.inputs_.transform(encoded)  # (n, width)
        last = 2 * len(self.hidden)  # torch numbers a ReLU too: layers are 0, 2, 4, ...
        for at in range(0, last + 1, 2):
            weight, bias = self.layers_[f"{at}.weight"], self.layers_[f"{at}.bias"]
            h = h @ weight.T.astype(np.float64) + bias
            h = h if at == last else np.maximum(h, 0.0)
        return h  # (n, 3)

    def _split(
        self,
        X: pd.DataFrame,
        y: np.ndarray,
        weights: np.ndarray,
        validation: Labelled | None,
    ) -> tuple["Rows", "Rows"]:
        """Return training rows and held-out rows; a random part where no validation is given."""
        if validation is not None:
            target = checked_target(*validation, "amount")
            return self._rows(X, y, weights), self._rows(
                validation[0], target, np.ones(len(target))
            )
        rng = np.random.default_rng(self.seed)
        held_out = np.zeros(len(y), dtype=bool)
        for group in (np.flatnonzero(y > 0), np.flatnonzero(y == 0)):  # both kinds on both sides
            number = int(np.ceil(len(group) * self.validation_fraction))
            held_out[rng.permutation(group)[:number]] = True
        train = ~held_out
        return (
            self._rows(X[train], y[train], weights[train]),
            self._rows(X[held_out], y[held_out], weights[held_out]),
        )

    def _rows(self, X: pd.DataFrame, y: np.ndarray, weights: np.ndarray) -> "Rows":
        from models.ziln_training import Rows

        return Rows(self.inputs_.transform(self.encoder_.encode(X)), y, weights)

    def _scale(self) -> "SpendScale":
        from models.ziln_training import SpendScale

        mean, sd = float(self.log_spend_[0]), float(self.log_spend_[1])
        return SpendScale(mean, sd, MIN_SIGMA, self.max_sigma)

    def _schedule(self) -> "Schedule":
        from models.ziln_training import Schedule

        return Schedule(
            hidden=tuple(self.hidden),
            epochs=self.epochs,
            batch_size=self.batch_size,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            patience=self.patience,
            num_threads=self.num_threads,
            seed=self.seed,
        )


def _sigmoid(z: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(-np.logaddexp(0.0, -z)))
