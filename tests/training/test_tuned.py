from dataclasses import replace

from models.baselines import MeanScorer
from training.parts import forecast_and_trees, trees
from training.recipe import Options
from training.recipes import churn, lead_score
from training.tuned import SPACE, TUNED, settings_of, to_text, with_tuned

OPTIONS = Options(seed=0, threads=1)


def test_the_settings_of_a_candidate_are_those_it_has():
    assert settings_of(trees(leaves=15)(OPTIONS))["leaves"] == 15
    assert set(settings_of(forecast_and_trees("spend")(OPTIONS))) == {
        "learning_rate", "leaves", "min_leaf", "regularization", "strength",
    }  # fmt: skip
    assert settings_of(MeanScorer()) == {}


def test_what_a_recipe_says_lies_within_what_is_tried():
    for name, make in churn.RECIPE.candidates.items():
        for setting, value in settings_of(make(OPTIONS)).items():
            assert SPACE[setting].low <= value <= SPACE[setting].high, (name, setting)


def test_tuned_settings_are_made_again_from_their_text_as_the_first_candidate():
    text = to_text("trees", {"leaves": 7, "learning_rate": 0.1})
    plain = replace(lead_score.RECIPE, candidates={"trees": trees(leaves=15)})
    recipe = with_tuned(plain, text)
    assert next(iter(recipe.candidates)) == TUNED and recipe.tuned == text
    made = settings_of(recipe.candidates[TUNED](OPTIONS))
    asked = settings_of(recipe.candidates["trees"](OPTIONS))
    assert made == {**asked, "leaves": 7, "learning_rate": 0.1}
    assert with_tuned(plain, "") == plain
    several = replace(plain, candidates={"lines": trees(leaves=3), **plain.candidates})
    assert list(with_tuned(several, text).candidates) == ["lines", TUNED, "trees"]
