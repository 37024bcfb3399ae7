"""What every model must keep, as suites to subclass: give `make`, inherit the laws.

    class TestMeanScorer(ScorerContract):
        def make(self): return MeanScorer()

A test runner that fills in `tmp_path` (an empty folder) is all they need.
"""

# ruff: noqa: D102 (the name of a law is its sentence)

from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pandas as pd

from domain.errors import Conflict, InvalidInput, NextbestError
from models.history import History
from models.interactions import Interactions
from models.manifest import KINDS, load_model
from models.protocols import Explains, Ranked, Recommender, Retrieves, Scorer


def customers(seed: int = 7, rows: int = 240) -> pd.DataFrame:
    """Return a small frame with each kind of column: number, gap, flag, text, category."""
    rng = np.random.default_rng(seed)
    orders = rng.poisson(2.0, rows)
    frame = pd.DataFrame(
        {
            "recency_days": rng.exponential(60.0, rows).round(1),
            "orders": orders,
            "average_eur": np.where(orders > 0, rng.lognormal(3, 0.5, rows).round(2), np.nan),
            "accepts_mail": rng.random(rows) < 0.5,
            "channel": rng.choice(["shop", "web", "app"], rows),
            "tier": pd.Categorical(rng.choice(["A", "B"], rows)),
        },
        index=pd.Index([f"c{number}" for number in range(rows)][::-1]),
    )
    since = np.where(orders > 1, np.random.default_rng(seed + 1).exponential(90.0, rows), 0.0)
    age = frame["recency_days"] + since.round(1)
    frame["customer_age_days"] = age.where(orders > 0)
    frame.loc[frame.index[::17], "channel"] = None
    return frame


def bought(X: pd.DataFrame, seed: int = 8) -> np.ndarray:
    """Return 0/1 outcomes (n,): recent and frequent customers buy more often."""
    z = 1.2 - X["recency_days"].to_numpy() / 40 + 0.4 * X["orders"].to_numpy()
    return (np.random.default_rng(seed).random(len(X)) < 1 / (1 + np.exp(-z))).astype(float)


def spent(X: pd.DataFrame, seed: int = 9) -> np.ndarray:
    """Return amounts (n,), zero for many, lognormal for the rest."""
    amount = np.random.default_rng(seed).lognormal(3 + 0.2 * X["orders"].to_numpy(), 0.5)
    return np.asarray((bought(X) * amount).round(2))


class ScorerContract:
    """The laws of every Scorer. `unit` is 'probability' or 'amount'."""

    unit: ClassVar[str] = "probability"
    needed_column: ClassVar[str | None] = (
        "recency_days"  # one the model must miss; None: needs none
    )

    def make(self) -> Scorer:
        """Return a new scorer, cheap to fit on 240 rows."""
        raise NotImplementedError

    def target(self, X: pd.DataFrame) -> np.ndarray:
        """Return outcomes for X in the unit of the model."""
        return bought(X) if self.unit == "probability" else spent(X)

    def fitted(self) -> Any:
        """Return a scorer that has learned from `customers()`."""
        X = customers()
        return self.make().fit(X, self.target(X))

    def test_it_is_a_scorer_of_a_known_kind(self) -> None:
        scorer = self.make()
        assert isinstance(scorer, Scorer)
        assert KINDS[scorer.KIND].endswith(f":{type(scorer).__name__}")

    def test_save_then_load_changes_nothing(self, tmp_path: Path) -> None:
        scorer, X = self.fitted(), customers(seed=1)
        scorer.save(tmp_path / "model")
        scorer.save(tmp_path / "model")  # over an older one
        for again in (load_model(tmp_path / "model"), type(scorer).load(tmp_path / "model")):
            np.testing.assert_array_equal(again.predict(X), scorer.predict(X))
        assert [path.name for path in tmp_path.iterdir()] == ["model"]

    def test_the_same_seed_gives_the_same_scores(self) -> None:
        X = customers(seed=1)
        np.testing.assert_array_equal(self.fitted().predict(X), self.fitted().predict(X))

    def test_a_second_fit_forgets_the_first(self) -> None:
        X, scorer = customers(), self.make()
        other = customers(seed=5)
        scorer.fit(other, self.target(other)).fit(X, self.target(X))
        np.testing.assert_array_equal(scorer.predict(X), self.fitted().predict(X))

    def test_a_batch_equals_single_calls(self) -> None:
        scorer, X = self.fitted(), customers(seed=1).head(12)
        single = [scorer.predict(X.iloc[[row]])[0] for row in range(len(X))]
        np.testing.assert_allclose(scorer.predict(X), single, rtol=1e-12)

    def test_scores_follow_the_order_of_rows_and_leave_the_frame_alone(self) -> None:
        scorer, X = self.fitted(), customers(seed=1)
        before = X.copy(deep=True)
        scores = scorer.predict(X)
        pd.testing.assert_frame_equal(X, before)
        assert scores.shape == (len(X),) and scores.dtype == np.float64
        np.testing.assert_allclose(scorer.predict(X[::-1]), scores[::-1], rtol=1e-12)

    def test_columns_are_found_by_name(self) -> None:
        scorer, X = self.fitted(), customers(seed=1)
        shuffled = X[X.columns[::-1]].assign(unrelated="x")
        np.testing.assert_array_equal(scorer.predict(shuffled), scorer.predict(X))

    def test_scores_are_finite_and_in_range(self) -> None:
        scorer, X = self.fitted(), customers(seed=1)
        empty = X.assign(**{name: None for name in X.columns})
        wild = X.assign(recency_days=1e12, average_eur=np.inf)
        for frame in (X, empty, wild):
            scores = scorer.predict(frame)
            assert np.isfinite(scores).all() and (scores >= 0).all()
            assert self.unit != "probability" or (scores <= 1).all()

    def test_no_rows_give_no_scores(self) -> None:
        assert self.fitted().predict(customers().head(0)).shape == (0,)

    def test_an_unseen_category_counts_as_missing(self) -> None:
        scorer, X = self.fitted(), customers(seed=1)
        unseen, missing = X.assign(channel="fax"), X.assign(channel=None)
        np.testing.assert_array_equal(scorer.predict(unseen), scorer.predict(missing))

    def test_a_missing_column_is_named(self) -> None:
        if self.needed_column is None:
            return
        frame = customers().drop(columns=self.needed_column)
        error = failure_of(lambda: self.fitted().predict(frame), InvalidInput)
        assert self.needed_column in error.message

    def test_asking_before_fit_is_a_named_fault(self, tmp_path: Path) -> None:
        failure_of(lambda: self.make().predict(customers()), Conflict)
        failure_of(lambda: self.make().save(tmp_path / "model"), Conflict)

    def test_a_target_with_gaps_or_of_other_length_is_refused(self) -> None:
        X = customers()
        gap = np.where(np.arange(len(X)) == 3, np.nan, self.target(X))
        failure_of(lambda: self.make().fit(X, gap), InvalidInput)
        failure_of(lambda: self.make().fit(X, self.target(X)[:-1]), InvalidInput)

    def test_weights_and_a_validation_set_are_accepted(self) -> None:
        X, later = customers(), customers(seed=3)
        weights = np.linspace(0.5, 2.0, len(X))
        held_out = (later, self.target(later))
        scorer = self.make().fit(X, self.target(X), sample_weight=weights, validation=held_out)
        assert np.isfinite(scorer.predict(later)).all()


def checkerboard(users: int = 24, items: int = 12) -> tuple[Interactions, list[History], list[str]]:
    """Return interactions, one history per user, and the one item withheld from each.

    Even users take every even item, odd users every odd one, but each misses one of its colour.
    The answer is plain by eye: recommend the missing item of the same colour.
    """
    names = [f"item{number:02d}" for number in range(items)]
    rows: list[tuple[str, str]] = []
    histories, withheld = [], []
    for user in range(users):
        own = names[user % 2 :: 2]
        missing = own[(user // 2) % len(own)]
        taken = [name for name in own if name != missing]
        rows += [(f"user{user:02d}", name) for name in taken]
        histories.append(History.of(taken))
        withheld.append(missing)
    interactions = Interactions.from_ids([u for u, _ in rows], [i for _, i in rows])
    return interactions, histories, withheld


def in_mixed_order(interactions: Interactions, seed: int = 0) -> Interactions:
    """Return the same acts in another order, for models that learn what follows what.

    In the order of the checkerboard nothing is ever followed by the first item.
    """
    mixed = np.random.default_rng(seed).permutation(len(interactions))
    users, items = interactions.users[mixed], interactions.items[mixed]
    return replace(interactions, users=users, items=items, weights=interactions.weights[mixed])


class RecommenderContract:
    """The laws of every Recommender, and of those that also are Explains or Retrieves.

    `personal`: the history changes the order. `adds_up`: what the past items added is the score.
    """

    personal: ClassVar[bool] = True
    adds_up: ClassVar[bool] = True

    def make(self) -> Recommender:
        """Return a new recommender, cheap to fit on a checkerboard of 24 by 12."""
        raise NotImplementedError

    def seen(self, interactions: Interactions) -> Interactions:
        """Return what the model learns from; one that reads a catalogue adds facts here."""
        return interactions

    def fitted(self) -> Any:
        """Return a recommender that has learned the checkerboard."""
        return self.make().fit(self.seen(checkerboard()[0]))

    def test_it_is_a_recommender_of_a_known_kind(self) -> None:
        model = self.fitted()
        assert isinstance(model, Recommender)
        assert KINDS[model.KIND].endswith(f":{type(model).__name__}")

    def test_the_withheld_item_comes_first(self) -> None:
        if not self.personal:
            return
        interactions, histories, withheld = checkerboard()
        model = self.make().fit(self.seen(interactions))
        found = [model.recommend(h, 1, exclude=h.item_ids)[0] for h in histories]
        assert found == [[item] for item in withheld]

    def test_save_then_load_changes_nothing(self, tmp_path: Path) -> None:
        model, histories = self.fitted(), checkerboard()[1]
        model.save(tmp_path / "model")
        for again in (load_model(tmp_path / "model"), type(model).load(tmp_path / "model")):
            np.testing.assert_array_equal(
                again.score_batch(histories), model.score_batch(histories)
            )
            assert again.item_ids.tolist() == model.item_ids.tolist()

    def test_the_same_seed_gives_the_same_scores(self) -> None:
        histories = checkerboard()[1]
        first, second = self.fitted(), self.fitted()
        np.testing.assert_array_equal(first.score_batch(histories), second.score_batch(histories))

    def test_a_batch_equals_single_calls(self) -> None:
        model, histories = self.fitted(), checkerboard()[1]
        scores = model.score_batch(histories)
        single = np.array([model.score_all(history) for history in histories])
        assert scores.shape == (len(histories), len(model.item_ids)) and scores.dtype == np.float32
        np.testing.assert_allclose(scores, single, rtol=1e-5, atol=1e-6)
        lists = model.recommend_batch(histories, 3, [h.item_ids for h in histories])
        for history, (ids, best) in zip(histories, lists, strict=True):
            alone = model.recommend(history, 3, history.item_ids)
            assert len(ids) == len(alone[0])
            np.testing.assert_allclose(best, alone[1], rtol=1e-5, atol=1e-6)

    def test_excluded_items_never_come_back(self) -> None:
        model, out = self.fitted(), ["item00", "item03", "item07", "no such item"]
        for history in checkerboard()[1]:
            ids, _ = model.recommend(history, 100, exclude=out)
            assert not set(ids) & set(out) and len(ids) == len(model.item_ids) - 3

    def test_lists_are_clean(self) -> None:
        model = self.fitted()
        for history in [*checkerboard()[1], History()]:
            check_list(model, model.recommend(history, 5))
            assert len(model.recommend(history, 5)[0]) == 5

    def test_k_beyond_the_catalogue_gives_the_catalogue(self) -> None:
        model = self.fitted()
        ids, _ = model.recommend(checkerboard()[1][0], 1000)
        assert sorted(ids) == sorted(model.item_ids.tolist())
        assert model.recommend(History(), 0)[0] == []
        assert model.recommend(History(), 5, exclude=model.item_ids.tolist())[0] == []

    def test_an_empty_history_gets_the_popular_order(self) -> None:
        interactions = Interactions.from_ids(
            ["a", "b", "c", "a", "b", "a"], ["tea", "tea", "tea", "milk", "milk", "jam"]
        )
        model = self.make().fit(self.seen(interactions))
        assert model.recommend(History(), 3)[0] == ["tea", "milk", "jam"]

    def test_unknown_items_in_a_history_are_ignored(self) -> None:
        model, history = self.fitted(), checkerboard()[1][0]
        more = History.of(["gone", *history.item_ids, "new"])
        np.testing.assert_array_equal(model.score_all(more), model.score_all(history))
        only_unknown = model.score_all(History.of(["gone"]))
        np.testing.assert_array_equal(only_unknown, model.score_all(History()))

    def test_reasons_are_past_items_greatest_first_and_add_up_to_the_score(self) -> None:
        model, history = self.fitted(), checkerboard()[1][0]
        positions, scores = np.array([3, 0]), model.score_all(history)
        if not isinstance(model, Explains):
            return
        reasons = model.strongest(history, positions, 100)
        assert len(reasons) == 2
        for of_item, score in zip(reasons, scores[positions], strict=True):
            added = [value for _, value in of_item]
            assert {item_id for item_id, _ in of_item} <= set(history.item_ids)
            assert added == sorted(added, reverse=True)
            assert not self.adds_up or abs(sum(added) - score) < 1e-4 * max(1, abs(score))
        assert model.strongest(history, positions, 1) == [of_item[:1] for of_item in reasons]
        assert model.strongest(History.of(["gone"]), positions, 3) == [[], []]

    def test_scores_are_inner_products_of_the_vectors(self) -> None:
        model, history = self.fitted(), checkerboard()[1][0]
        scores = model.score_all(history)
        if not isinstance(model, Retrieves):
            return
        assert model.item_vectors.dtype == model.user_vector(history).dtype == np.float32
        product = model.item_vectors @ model.user_vector(history)
        np.testing.assert_allclose(product, scores, rtol=1e-4, atol=1e-5)
        assert not model.user_vector(History.of(["gone"])).any()

    def test_asking_before_fit_is_a_named_fault(self, tmp_path: Path) -> None:
        failure_of(lambda: self.make().recommend(History(), 3), Conflict)
        failure_of(lambda: self.make().save(tmp_path / "model"), Conflict)

    def test_nothing_to_learn_from_is_a_named_fault(self) -> None:
        failure_of(lambda: self.make().fit(Interactions.from_ids([], [])), NextbestError)


def check_list(model: Recommender, ranked: Ranked) -> None:
    """Assert that a list holds known items once each, with finite scores that never rise."""
    ids, scores = ranked
    assert len(ids) == len(set(ids)) == len(scores)
    assert set(ids) <= set(model.item_ids.tolist())
    assert np.isfinite(scores).all() and (np.diff(scores) <= 0).all()


def failure_of(act: Any, kind: type[NextbestError]) -> NextbestError:
    """Return the error of `kind` that `act()` raises, or fail."""
    try:
        act()
    except kind as error:
        assert error.message
        return error
    raise AssertionError(f"expected {kind.__name__}, but nothing was raised")
