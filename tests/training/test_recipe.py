import pytest

from domain.errors import InvalidInput, NotFound
from training.labels import buys
from training.parts import by_column, trees
from training.populations import customers
from training.recipe import (
    Options,
    RecommendRecipe,
    ScoreRecipe,
    load_recipe,
    recipe_names,
    score_names,
)


def test_the_file_name_is_the_recipe() -> None:
    assert recipe_names() == ("churn", "clv", "lead_score", "recommend")
    assert isinstance(load_recipe("churn"), ScoreRecipe)
    assert isinstance(load_recipe("recommend"), RecommendRecipe)


def test_a_recipe_names_its_scores() -> None:
    assert score_names("clv") == ("clv_90", "clv_365")
    assert score_names("recommend") == ("recommend",)


@pytest.mark.parametrize("name", ["nothing", "../gates", "os", "__init__", ""])
def test_only_files_of_the_folder_are_loaded(name: str) -> None:
    with pytest.raises(NotFound, match=r"known: churn, clv, lead_score, recommend"):
        load_recipe(name)


def test_a_recipe_without_a_baseline_or_with_an_unknown_metric_is_refused() -> None:
    given = ("Who?", "churn_v1", customers(), buys(), {"x": 30}, {"trees": trees(leaves=4)})
    with pytest.raises(InvalidInput, match="at least one horizon, one candidate and one baseline"):
        ScoreRecipe(*given, {}, "auc")
    with pytest.raises(InvalidInput, match="metric 'magic' is none of auc"):
        ScoreRecipe(*given, {"recency": by_column("recency_days")}, "magic")


def test_every_candidate_and_baseline_can_be_made() -> None:
    for name in recipe_names():
        recipe = load_recipe(name)
        makes = recipe.candidates.values()
        if isinstance(recipe, RecommendRecipe):
            assert {*recipe.baselines, *recipe.rivals} <= set(recipe.candidates)
            makes = [make for settings in makes for make in settings]
        else:
            makes = [*makes, *recipe.baselines.values()]
        for make in makes:
            assert make(Options(seed=1, threads=1)).KIND


def test_small_data_gets_one_thread() -> None:
    assert Options(1, 4).for_rows(50_000).threads == 1
    assert Options(1, 4).for_rows(250_000).threads == 3
