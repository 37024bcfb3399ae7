"""The sequence model knows order: what came after what, not only what was taken with what."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from domain.errors import InvalidInput, NotEnoughData
from models.contract import RecommenderContract, checkerboard, failure_of, in_mixed_order
from models.history import History
from models.interactions import Interactions
from models.sequence import SequenceRecommender
from models.sequence_network import NextItemNetwork, Shape
from models.sequence_training import Negatives, next_item_loss, windows

RING = list("abcdefgh")


def small(**changed: object) -> SequenceRecommender:
    settings: dict[str, object] = {"length": 8, "width": 8, "epochs": 15, "batch_windows": 8}
    settings |= {"negatives": 16, "learning_rate": 0.03, "dropout": 0.3}
    return SequenceRecommender(**(settings | changed))  # type: ignore[arg-type]


def around(starts: int = 8, steps: int = 6) -> Interactions:
    """Return users who each walk the ring a, b, ..., h, a, ... from another start."""
    rows = [(f"u{s}", RING[(s + step) % len(RING)]) for s in range(starts) for step in range(steps)]
    return Interactions.from_ids([u for u, _ in rows], [i for _, i in rows])


@pytest.fixture(scope="module")
def ring() -> SequenceRecommender:
    return small(epochs=40, dropout=0.0).fit(around())


class TestSequenceRecommender(RecommenderContract):
    def make(self) -> SequenceRecommender:
        return small()

    def seen(self, interactions: Interactions) -> Interactions:
        return in_mixed_order(interactions)

    def test_the_same_seed_gives_the_same_scores(self) -> None:
        histories, seen = checkerboard()[1], checkerboard()[0]
        first, second = (small(epochs=5).fit(seen) for _ in range(2))
        np.testing.assert_array_equal(first.score_batch(histories), second.score_batch(histories))
        other = small(epochs=5, seed=1).fit(seen)
        assert not np.array_equal(first.score_batch(histories), other.score_batch(histories))


def test_after_a_comes_b_and_never_what_came_before(ring: SequenceRecommender) -> None:
    for at, item in enumerate(RING):
        before = RING[at - 1]
        assert ring.recommend(History.of([before, item]), 1)[0] == [RING[(at + 1) % 8]]


def test_the_order_of_a_history_matters(ring: SequenceRecommender) -> None:
    forward, backward = History.of(["c", "d"]), History.of(["d", "c"])
    assert not np.allclose(ring.score_all(forward), ring.score_all(backward))


def test_an_item_many_times_in_a_row_counts_once(ring: SequenceRecommender) -> None:
    once, often = History.of(["a", "b"]), History.of(["a", "b", "b", "b"])
    np.testing.assert_array_equal(ring.score_all(once), ring.score_all(often))


def test_only_the_last_items_are_read(ring: SequenceRecommender) -> None:
    last = [RING[step % 8] for step in range(8)]
    longer = History.of([*"dbdbdb", *last])
    np.testing.assert_array_equal(ring.score_all(longer), ring.score_all(History.of(last)))


def test_no_place_of_the_network_sees_what_comes_later() -> None:
    torch.manual_seed(0)
    network = NextItemNetwork(Shape(items=9, width=8, blocks=2, heads=2, length=6)).eval()
    ids = torch.tensor([[1, 2, 3, 4, 5]])
    changed = torch.tensor([[1, 2, 3, 8, 8]])
    before, after = network(ids)[0], network(changed)[0]
    torch.testing.assert_close(before[:3], after[:3])
    assert not torch.allclose(before[3:], after[3:])


def test_windows_ask_for_each_later_item_once_and_fit_the_length() -> None:
    rng = np.random.default_rng(0)
    histories = [np.arange(n) + 100 * n for n in (1, 2, 5, 6, 23)]
    cut = windows(histories, 5, rng)
    assert all(1 <= len(given) == len(after) <= 5 for given, after in cut)
    asked = sorted(int(item) for _, after in cut for item in after)
    assert asked == sorted(int(item) for history in histories for item in history[1:])
    assert all((after - given == 1).all() for given, after in cut)


def test_the_sampled_loss_estimates_the_softmax_over_all_items() -> None:
    torch.manual_seed(0)
    items, rng = 40, np.random.default_rng(0)
    network = NextItemNetwork(Shape(items, width=8, blocks=1, heads=1, length=4))
    h, target = torch.randn(64, 8), torch.randint(items, (64,))
    taken = [rng.integers(0, 10, 300), np.arange(items)]
    drawn = Negatives(taken, items, 4000)
    with torch.no_grad():
        sampled = [float(next_item_loss(network, h, target, *drawn(rng))) for _ in range(20)]
        logits = h @ network.items.weight.T + network.item_bias
        whole = float(torch.nn.functional.cross_entropy(logits, target))
    assert abs(np.mean(sampled) - whole) < 0.01 * whole


def test_a_budget_of_time_ends_a_training_that_would_go_on_for_days() -> None:
    model = small(epochs=10_000_000, minutes=0.02).fit(around())
    assert np.isfinite(model.score_all(History.of(["a"]))).all()


def test_a_saved_model_is_safetensors_and_plain_arrays(
    ring: SequenceRecommender, tmp_path: Path
) -> None:
    ring.save(tmp_path / "model")
    assert set(json.loads((tmp_path / "model/manifest.json").read_text())["files"]) == {
        "items.npz",
        "network.safetensors",
    }


@pytest.mark.parametrize(
    ("changed", "named"),
    [
        ({"length": 201}, "length"),
        ({"heads": 3}, "heads"),
        ({"epochs": 0}, "epochs"),
        ({"minutes": 0.0}, "minutes"),
    ],
)
def test_a_setting_that_cannot_work_is_named(changed: dict[str, float], named: str) -> None:
    error = failure_of(lambda: small(**changed).fit(around()), InvalidInput)
    assert error.field == named


def test_users_of_one_item_each_teach_no_order() -> None:
    lonely = Interactions.from_ids(["u", "v"], ["a", "b"])
    assert "two items" in failure_of(lambda: small().fit(lonely), NotEnoughData).message
