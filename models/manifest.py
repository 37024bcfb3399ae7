"""A saved model is a folder of plain files; its manifest says what it is and proves it is whole.

    <folder>/manifest.json   format, kind (a key of KINDS), params, features, files {path: sha256}
    <folder>/...             LightGBM text, npz without pickle, safetensors, JSON; a folder per part

Nothing in a folder is ever run: the class comes from KINDS, never from the file.
"""

import hashlib
import inspect
import json
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from domain.errors import InvalidInput, NotFound

FORMAT = 1
MANIFEST = "manifest.json"
KINDS = {
    "als": "models.als:ALSRecommender",
    "average": "models.average:AverageScorer",
    "blend": "models.blend:BlendRecommender",
    "bought_together": "models.bought_together:BoughtTogetherRecommender",
    "buy_again": "models.buy_again:BuyAgainRecommender",
    "calibrated": "models.calibrated:CalibratedScorer",
    "column": "models.baselines:ColumnScorer",
    "content": "models.content:ContentRecommender",
    "forecast_boost": "models.forecast_boost:ForecastBoostScorer",
    "gbm": "models.gbm:GBMScorer",
    "hurdle": "models.hurdle:HurdleScorer",
    "identity": "models.calibration:IdentityCalibrator",
    "isotonic": "models.calibration:IsotonicCalibrator",
    "linear": "models.linear:LinearRecommender",
    "logistic": "models.logistic:LogisticScorer",
    "mean": "models.baselines:MeanScorer",
    "platt": "models.calibration:PlattCalibrator",
    "popular": "models.popular:PopularRecommender",
    "purchase_forecast": "models.purchase_forecast:PurchaseForecastScorer",
    "rank": "models.rank:RankRecommender",
    "sequence": "models.sequence:SequenceRecommender",
    "session_knn": "models.session_knn:SessionKNNRecommender",
    "transitions": "models.transitions:TransitionsRecommender",
    "trending": "models.trending:TrendingRecommender",
    "ziln": "models.ziln:ZILNScorer",
}
NO_RECOMMENDERS = frozenset(
    (
        "average", "calibrated", "column", "forecast_boost", "gbm", "hurdle", "identity",
        "isotonic", "logistic", "mean", "platt", "purchase_forecast", "ziln",
    )
)  # fmt: skip  # kinds that rate customers, or what such a model says


def is_recommender(kind: str) -> bool:
    """Return whether models of that kind order items."""
    return kind in KINDS and kind not in NO_RECOMMENDERS


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a model folder holds: `files` maps each path inside it to its SHA-256."""

    format: int
    kind: str
    params: dict[str, Any]
    features: tuple[str, ...]
    files: dict[str, str]


def params_of(model: object) -> dict[str, Any]:
    """Return the constructor arguments of a model, read back from its attributes."""
    names = [name for name in inspect.signature(type(model)).parameters]
    return {name: getattr(model, name) for name in names}


@contextmanager
def saving(
    folder: Path, kind: str, params: Mapping[str, Any], features: Sequence[str] = ()
) -> Iterator[Path]:
    """Yield an empty folder to write into; on success it gets its manifest and becomes `folder`.

    The new folder replaces an older one of the same name by rename; after a failure the older one
    is still there, untouched.
    """
    folder = Path(folder)
    folder.parent.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        yield draft
        manifest = Manifest(FORMAT, kind, dict(params), tuple(features), _hashes(draft))
        text = json.dumps(asdict(manifest), indent=1, sort_keys=True, default=_plain)
        (draft / MANIFEST).write_text(text)
        draft.chmod(0o755)  # mkdtemp makes it private, but serving may run as another user
        _swap_in(draft, folder)
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def read_manifest(folder: Path, kind: str | None = None) -> Manifest:
    """Read and check the manifest of `folder`: format, kind, and the hash of every file."""
    manifest = _parsed(Path(folder))
    if kind is not None and manifest.kind != kind:
        raise InvalidInput(
            f"model folder {folder} holds a {manifest.kind!r}, not a {kind!r}; "
            "load it with models.manifest.load_model"
        )
    for name, digest in manifest.files.items():
        _check_file(Path(folder), name, digest)
    return manifest


def load_model(folder: Path) -> Any:
    """Load whatever model `folder` holds; only that model's library is imported."""
    kind = _parsed(Path(folder)).kind
    if kind not in KINDS:
        raise InvalidInput(f"model folder {folder}: unknown kind {kind!r}; known: {sorted(KINDS)}")
    module, _, name = KINDS[kind].partition(":")
    if not module.startswith("models."):
        raise InvalidInput(f"kind {kind!r} names {module!r}; only modules of 'models' are loaded")
    return getattr(import_module(module), name).load(Path(folder))


def _plain(value: Any) -> Any:
    """Return a numpy number as a Python one; refuse what JSON cannot hold."""
    if hasattr(value, "item"):
        return value.item()
    raise InvalidInput(f"a model parameter is {value!r}; give a number, text, list or mapping")


def _parsed(folder: Path) -> Manifest:
    path = folder / MANIFEST
    if not path.is_file():
        raise NotFound(f"no model at {folder}: {MANIFEST} is missing; train and release it again")
    try:
        plain = json.loads(path.read_text())
        manifest = Manifest(**{**plain, "features": tuple(plain["features"])})
        files, params = dict(manifest.files), dict(manifest.params)
    except (ValueError, TypeError, KeyError, AttributeError) as broken:
        raise InvalidInput(
            f"{path} is not a model manifest ({broken}); release the model again"
        ) from broken
    if manifest.format != FORMAT:
        raise InvalidInput(
            f"{path} has format {manifest.format!r}, not {FORMAT}; train the model again"
        )
    return Manifest(FORMAT, str(manifest.kind), params, manifest.features, files)


def _check_file(folder: Path, name: str, digest: str) -> None:
    path = folder / name
    if not path.resolve().is_relative_to(folder.resolve()):
        raise InvalidInput(
            f"model folder {folder} names {name!r}, a file outside of it; do not use it"
        )
    if not path.is_file():
        raise InvalidInput(f"model folder {folder} lacks {name!r}; copy or release it again")
    if _sha256(path) != digest:
        raise InvalidInput(f"{path} differs from its manifest (SHA-256); copy or release it again")


def _hashes(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): _sha256(path) for path in files}


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _swap_in(draft: Path, folder: Path) -> None:
    if not folder.exists():
        draft.rename(folder)
        return
    aside = Path(tempfile.mkdtemp(prefix=f".{folder.name}.old.", dir=folder.parent))
    folder.rename(aside)  # rename replaces an empty folder
    try:
        draft.rename(folder)
    except OSError:
        aside.rename(folder)
        raise
    shutil.rmtree(aside, ignore_errors=True)
