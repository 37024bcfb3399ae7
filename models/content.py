"""Items that read alike: text and attributes as vectors, for items that nobody has taken yet."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, Self

import numpy as np

from domain.errors import InvalidInput, NotEnoughData
from models.facts import ItemFacts
from models.history import History
from models.interactions import Interactions
from models.item_text import Vocabulary, learn_vocabulary
from models.manifest import params_of, read_manifest, saving
from models.mapped import mapped
from models.popular import popularity
from models.ranking import Catalogue, RanksByScore
from models.reasons import past_reasons

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix


class ContentRecommender(RanksByScore):
    """Scores an item by its mean cosine with the items of the history, weighed.

    An item's words (see `item_text`) are weighed by TF-IDF and projected on the first `dimensions`
    right singular vectors of all items (latent semantic analysis, Deerwester et al. 1990); vectors
    have length 1, or 0 for an item without a known word. Only fit needs scikit-learn; `vectors_of`
    gives an item added a moment ago its vector from the saved words. Needs the catalogue's
    `facts`. A history without known items gets the popular order.
    """

    KIND: ClassVar[str] = "content"
    catalogue_: Catalogue
    vocabulary_: Vocabulary
    components_: np.ndarray  # (words, d) float32
    vectors_: np.ndarray  # (items, d) float32
    popularity_: np.ndarray  # (items,) float32

    def __init__(self, *, dimensions: int = 64, max_words: int = 50_000, seed: int = 0) -> None:
        self.dimensions = dimensions
        self.max_words = max_words
        self.seed = seed

    def fit(self, interactions: Interactions) -> Self:
        """Learn the words and their directions from the facts; the acts say what is popular."""
        if not len(interactions):
            raise NotEnoughData("content: no interactions to learn from; widen the time window")
        if interactions.facts is None:
            raise InvalidInput(
                "content: the interactions carry no facts of the items; import a catalogue",
                field="facts",
            )
        if self.dimensions < 1 or self.max_words < 1:
            raise InvalidInput(
                f"content: dimensions {self.dimensions}, max_words {self.max_words}; "
                "both must be 1 or more"
            )
        self.vocabulary_ = learn_vocabulary(interactions.facts, self.max_words)
        self.components_ = self._components(self.vocabulary_.weigh(interactions.facts))
        self.popularity_ = popularity(interactions)
        self.catalogue_ = Catalogue(interactions.item_ids)
        self.vectors_ = self.vectors_of(interactions.facts)
        return self

    def vectors_of(self, facts: ItemFacts) -> np.ndarray:
        """Return the vectors of any items, also new ones, (len(facts), d) float32."""
        self._catalogue()
        projected = np.asarray(self.vocabulary_.weigh(facts) @ self.components_)  # (n, d)
        lengths = np.linalg.norm(projected, axis=1, keepdims=True)
        return np.asarray(projected / np.maximum(lengths, 1e-12), dtype=np.float32)

    @property
    def item_vectors(self) -> np.ndarray:
        """The item vectors, (items, d) float32; a score is user_vector @ item_vectors.T."""
        self._catalogue()
        return self.vectors_

    def user_vector(self, history: History) -> np.ndarray:
        """Return the weighed mean of the history's items, (d,) float32; zeros if none is known."""
        at, weights = self._catalogue().weights(history)
        return self._mean(at, weights)

    def score_batch(self, histories: Sequence[History]) -> np.ndarray:
        """Return the score of each item for each history, (histories, items) float32."""
        known = [self._catalogue().weights(history) for history in histories]
        users = np.array([self._mean(at, weights) for at, weights in known], dtype=np.float32)
        scores = users.reshape(len(known), -1) @ self.vectors_.T  # (h, d) x (d, items)
        scores[[not len(at) for at, _ in known]] = self.popularity_
        return np.asarray(scores)

    def strongest(
        self, history: History, positions: np.ndarray, top: int
    ) -> list[list[tuple[str, float]]]:
        """Return for each position the `top` past items likest to it, and what each added.

        What all past items add sums to the score: cosine times the item's share of the weight.
        """
        catalogue = self._catalogue()
        at, weights = catalogue.weights(history)
        shares = weights / max(weights.sum(), 1e-300)
        added = (self.vectors_[at] * shares[:, None]) @ self.vectors_[positions].T  # (m, asked)
        return past_reasons(catalogue.item_ids[at], added, top)

    def save(self, folder: Path) -> None:
        """Write `content.npz` with a manifest."""
        catalogue = self._catalogue()
        with saving(folder, self.KIND, params_of(self)) as draft:
            np.savez(
                draft / "content.npz",
                item_ids=catalogue.item_ids,
                popularity=self.popularity_,
                vectors=self.vectors_,
                components=self.components_,
                words=self.vocabulary_.words,
                idf=self.vocabulary_.idf,
            )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read a saved model."""
        model = cls(**read_manifest(folder, cls.KIND).params)
        with np.load(Path(folder) / "content.npz", allow_pickle=False) as arrays:
            model.vocabulary_ = Vocabulary(arrays["words"], arrays["idf"])
            model.components_ = arrays["components"]
            model.vectors_ = mapped(Path(folder) / "content.npz", "vectors")
            model.popularity_ = arrays["popularity"]
            model.catalogue_ = Catalogue(arrays["item_ids"])
        return model

    def _components(self, weighed: "csr_matrix") -> np.ndarray:
        """Return the first right singular vectors of weighed (items, words), (words, d) float32."""
        from sklearn.decomposition import TruncatedSVD

        words = weighed.shape[1]
        if words <= self.dimensions:  # nothing to leave out
            return np.eye(words, max(words, 1), dtype=np.float32)
        svd = TruncatedSVD(self.dimensions, random_state=self.seed).fit(weighed)
        return np.asarray(svd.components_.T, dtype=np.float32)

    def _mean(self, at: np.ndarray, weights: np.ndarray) -> np.ndarray:
        total = weights @ self.vectors_[at] / max(weights.sum(), 1e-300)
        return np.asarray(total, dtype=np.float32)
