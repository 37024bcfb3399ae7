"""A recipe says what to learn, from whom, and which baseline to beat; `training.run` knows how."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path

from domain.errors import InvalidInput, NotFound
from models.protocols import Recommender, Scorer
from training.labels import Label
from training.metrics import METRICS
from training.populations import Population

RECIPES = Path(__file__).with_name("recipes")
ROWS_PER_THREAD = 100_000


@dataclass(frozen=True, slots=True)
class Options:
    """How to run, as opposed to what to learn."""

    seed: int
    threads: int

    def for_rows(self, rows: int) -> "Options":
        """Return one thread per 100,000 rows: on fewer, threads mostly wait for each other."""
        return Options(self.seed, min(self.threads, 1 + rows // ROWS_PER_THREAD))


MakeScorer = Callable[[Options], Scorer]
MakeRecommender = Callable[[Options], Recommender]


@dataclass(frozen=True, slots=True)
class ScoreRecipe:
    """A score of each customer; `horizons` names each score and its days (None: the shop decides).

    The candidates are tried in order and chosen from on later data; all baselines must be beaten.
    """

    question: str
    feature_service: str
    population: Population
    label: Label
    horizons: Mapping[str, int | None]
    candidates: Mapping[str, MakeScorer]
    baselines: Mapping[str, MakeScorer]
    metric: str
    forecasts: str = ""  # what its candidates' purchase forecasts are of: spend, silence or nothing
    tuned: str = ""  # JSON of what tuning found (`training.tuned`), '' without tuning

    def __post_init__(self) -> None:
        if not self.horizons or not self.candidates or not self.baselines:
            raise InvalidInput("recipe: name at least one horizon, one candidate and one baseline")
        if self.metric not in METRICS:
            raise InvalidInput(f"recipe: metric {self.metric!r} is none of {', '.join(METRICS)}")


@dataclass(frozen=True, slots=True)
class RecommendRecipe:
    """An order of items for each customer, learned from weighted acts and tested on later ones.

    `weights` says what one act of each event group counts; groups that are not named count nothing.
    `candidates` gives each model with its possible settings; which is taken shows on earlier days.
    Those in `baselines` must be beaten for a release; of `rivals` the card says which are. What is
    in `blended` makes the blend, and is ordered anew by the ranker.
    """

    question: str
    feature_service: str  # where serving finds the history
    weights: Mapping[str, float]  # event group -> weight of one act
    half_life_days: float  # an act of this age counts half
    candidates: Mapping[str, tuple[MakeRecommender, ...]]
    baselines: tuple[str, ...]  # of the candidates
    rivals: tuple[str, ...]  # of the candidates
    blended: tuple[str, ...]  # of the candidates
    metric: str  # of training.ranking_test
    k: int


Recipe = ScoreRecipe | RecommendRecipe


def recipe_names() -> tuple[str, ...]:
    """Return the names of all recipes: the files of `training/recipes`, in order."""
    return tuple(sorted(f.stem for f in RECIPES.glob("*.py") if not f.stem.startswith("_")))


def load_recipe(name: str) -> Recipe:
    """Return the RECIPE of `training/recipes/<name>.py`."""
    known = recipe_names()
    if name not in known:  # only a file of the folder is ever imported
        raise NotFound(f"no recipe {name!r}; known: {', '.join(known)} (files of training/recipes)")
    recipe = getattr(import_module(f"training.recipes.{name}"), "RECIPE", None)
    if not isinstance(recipe, ScoreRecipe | RecommendRecipe):
        raise InvalidInput(f"training/recipes/{name}.py: RECIPE is missing or is not a recipe")
    return recipe


def score_names(name: str) -> tuple[str, ...]:
    """Return the models that a recipe gives: its scores, or itself."""
    recipe = load_recipe(name)
    return tuple(recipe.horizons) if isinstance(recipe, ScoreRecipe) else (name,)
