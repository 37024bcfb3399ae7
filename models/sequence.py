"""What comes next, from the order of what was taken: a small causal transformer."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np
from safetensors.numpy import load_file, save_file

from domain.errors import InvalidInput, NotEnoughData
from models.history import History
from models.interactions import Interactions
from models.manifest import params_of, read_manifest, saving
from models.popular import popularity
from models.ranking import Catalogue, RanksByScore

if TYPE_CHECKING:
    from models.sequence_network import NextItemNetwork, Shape
    from models.sequence_training import Schedule

MAX_LENGTH = 200
_AT_ONCE = 128  # histories read by the network at once


class SequenceRecommender(RanksByScore):
    """Scores items as the next of a history, by its last `length` items in their order.

    SASRec (Kang & McAuley 2018) with gated pre-norm blocks, and a softmax loss over `negatives`
    items shared by a batch (see models/sequence_training.py). An item that follows itself counts
    once; weights and ages are not read. Training ends after `epochs`, or after `minutes` where
    that is sooner: with `minutes` the result depends on the speed of the machine, else only on the
    seed. It learns on a GPU where there is one; it answers on one CPU thread.

    A score is the inner product of the visitor's vector and the item's, whose last place is a bias.
    A history without known items gets the popular order.
    """

    KIND: ClassVar[str] = "sequence"
    catalogue_: Catalogue
    network_: "NextItemNetwork"
    weights_: dict[str, np.ndarray]
    popularity_: np.ndarray  # (items,) float32

    def __init__(
        self,
        *,
        length: int = 50,
        width: int = 64,
        blocks: int = 1,
        heads: int = 2,
        epochs: int = 30,
        minutes: float | None = None,
        batch_windows: int = 32,
        negatives: int = 512,
        learning_rate: float = 2e-3,
        weight_decay: float = 0.01,
        dropout: float = 0.1,
        num_threads: int = 1,
        seed: int = 0,
    ) -> None:
        self.length = length
        self.width = width
        self.blocks = blocks
        self.heads = heads
        self.epochs = epochs
        self.minutes = minutes
        self.batch_windows = batch_windows
        self.negatives = negatives
        self.learning_rate = learning_rate
        self.weight_decay = weight_decay
        self.dropout = dropout
        self.num_threads = num_threads
        self.seed = seed

    def fit(self, interactions: Interactions) -> Self:
        """Learn what follows what."""
        from models.sequence_training import train_network

        self._check()
        catalogue = Catalogue(interactions.item_ids)
        histories = [self._codes(catalogue, history) for _, history in interactions.histories()]
        if not any(len(history) > 1 for history in histories):
            raise NotEnoughData(
                "sequence: no user has two items in a row to learn from; widen the time window"
            )
        weights = train_network(histories, self._shape(len(catalogue)), self._schedule())
        return self._set(catalogue, weights, popularity(interactions))

    @property
    def item_vectors(self) -> np.ndarray:
        """The item vectors, (items, width + 1) float32; the last place is the item's bias."""
        self._catalogue()
        return self.item_vectors_

    def user_vector(self, history: History) -> np.ndarray:
        """Return the visitor's vector, (width + 1,) float32; zeros where no item is known."""
        return np.asarray(self._user_vectors([history])[0])

    def score_batch(self, histories: Sequence[History]) -> np.ndarray:
        """Return the score of each item for each history, (histories, items) float32."""
        users = self._user_vectors(histories)  # (histories, width + 1)
        scores = users @ self.item_vectors.T  # (histories, width + 1) x (width + 1, items)
        scores[users[:, -1] == 0] = self.popularity_
        return np.asarray(scores)

    def save(self, folder: Path) -> None:
        """Write `network.safetensors` and `items.npz` with a manifest."""
        catalogue = self._catalogue()
        with saving(folder, self.KIND, params_of(self)) as draft:
            save_file(self.weights_, draft / "network.safetensors")
            np.savez(draft / "items.npz", item_ids=catalogue.item_ids, popularity=self.popularity_)

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model."""
        model = cls(**read_manifest(folder, cls.KIND).params)
        weights = load_file(Path(folder) / "network.safetensors")
        with np.load(Path(folder) / "items.npz", allow_pickle=False) as arrays:
            return model._set(Catalogue(arrays["item_ids"]), weights, arrays["popularity"])

    def _set(
        self, catalogue: Catalogue, weights: dict[str, np.ndarray], popular: np.ndarray
    ) -> Self:
        import torch

        from models.sequence_network import NextItemNetwork

        network = NextItemNetwork(self._shape(len(catalogue)))
        network.load_state_dict({name: torch.from_numpy(w) for name, w in weights.items()})
        # Answers in double precision, so that a history alone gets what it gets in a batch.
        self.network_ = network.double().eval()
        self.item_vectors_ = np.column_stack([weights["items.weight"], weights["item_bias"]])
        self.weights_, self.popularity_, self.catalogue_ = weights, popular, catalogue
        return self

    def _user_vectors(self, histories: Sequence[History]) -> np.ndarray:
        """Return (histories, width + 1) float32, zeros in the rows of histories without items."""
        catalogue = self._catalogue()
        users = np.zeros((len(histories), self.width + 1), dtype=np.float32)
        read = [self._codes(catalogue, history)[-self.length :] for history in histories]
        known = [row for row, codes in enumerate(read) if len(codes)]
        for start in range(0, len(known), _AT_ONCE):
            rows = known[start : start + _AT_ONCE]
            users[rows, :-1] = self._last_states([read[row] for row in rows])
            users[rows, -1] = 1.0
        return users

    def _last_states(self, read: list[np.ndarray]) -> np.ndarray:
        """Return what follows the last item of each history, (B, width)."""
        import torch

        from models.sequence_training import padded
        from models.torch_threads import threads

        ids, real = padded(read)
        with threads(1), torch.inference_mode():
            h = self.network_(ids)  # (B, T) -> (B, T, width)
            last = h[torch.arange(len(read)), real.sum(dim=1) - 1]  # (B, width)
        return np.asarray(last.numpy())

    def _codes(self, catalogue: Catalogue, history: History) -> np.ndarray:
        """Return the positions of the known items, oldest first, repeats in a row once."""
        at = catalogue.positions(history.item_ids)
        return np.asarray(at[np.diff(at, prepend=-1) != 0])

    def _shape(self, items: int) -> "Shape":
        from models.sequence_network import Shape

        return Shape(items, self.width, self.blocks, self.heads, self.length)

    def _schedule(self) -> "Schedule":
        from models.sequence_training import Schedule

        return Schedule(
            epochs=self.epochs,
            minutes=self.minutes,
            batch_windows=self.batch_windows,
            negatives=self.negatives,
            learning_rate=self.learning_rate,
            weight_decay=self.weight_decay,
            dropout=self.dropout,
            num_threads=self.num_threads,
            seed=self.seed,
        )

    def _check(self) -> None:
        if not 1 <= self.length <= MAX_LENGTH:
            raise InvalidInput(
                f"sequence: length is {self.length}; give 1 to {MAX_LENGTH} items", field="length"
            )
        for name in ("width", "blocks", "heads", "epochs", "batch_windows", "negatives"):
            if getattr(self, name) < 1:
                raise InvalidInput(
                    f"sequence: {name} is {getattr(self, name)}; give 1 or more", field=name
                )
        if self.width % self.heads:
            raise InvalidInput(
                f"sequence: width {self.width} is not a multiple of heads {self.heads}",
                field="heads",
            )
        if self.minutes is not None and self.minutes <= 0:
            raise InvalidInput(
                f"sequence: minutes is {self.minutes}; give more than 0, or none", field="minutes"
            )
