import json
import subprocess
import sys

import numpy as np
import pytest

from domain.errors import InvalidInput, NextbestError, NotFound
from models import manifest
from models.baselines import ColumnScorer, MeanScorer
from models.contract import bought, customers
from models.manifest import KINDS, load_model, read_manifest, saving


@pytest.fixture
def folder(tmp_path):
    X = customers()
    ColumnScorer("orders").fit(X, bought(X)).save(tmp_path / "model")
    return tmp_path / "model"


def change(folder, **values):
    path = folder / "manifest.json"
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))


def test_a_manifest_says_what_the_folder_holds(folder):
    found = read_manifest(folder)
    assert (found.kind, found.features) == ("column", ("orders",))
    assert found.params == {"column": "orders", "sign": 1, "by": "rank"}
    assert set(found.files) == {"column.npz"}


def test_every_kind_names_a_class_of_that_kind():
    for kind, place in KINDS.items():
        module, _, name = place.partition(":")
        model = getattr(__import__(module, fromlist=[name]), name)
        assert kind == model.KIND


def test_a_missing_folder_says_so(tmp_path):
    with pytest.raises(NotFound, match="no model at"):
        load_model(tmp_path / "nowhere")


@pytest.mark.parametrize("text", ["", "[]", "{}", "{not json", '{"format": 1}', "null"])
def test_a_corrupt_manifest_says_so(folder, text):
    (folder / "manifest.json").write_text(text)
    with pytest.raises(NextbestError, match="manifest"):
        load_model(folder)


def test_a_changed_file_is_noticed(folder):
    (folder / "column.npz").write_bytes(b"other")
    with pytest.raises(InvalidInput, match="differs from its manifest"):
        load_model(folder)


def test_a_lost_file_is_noticed(folder):
    (folder / "column.npz").unlink()
    with pytest.raises(InvalidInput, match=r"lacks 'column.npz'"):
        load_model(folder)


def test_unknown_kinds_and_formats_are_refused(folder):
    change(folder, kind="os:system")
    with pytest.raises(InvalidInput, match="unknown kind 'os:system'"):
        load_model(folder)
    change(folder, kind="column", format=99)
    with pytest.raises(InvalidInput, match="format 99"):
        load_model(folder)


def test_a_path_out_of_the_folder_is_refused(folder):
    (folder.parent / "secret").write_text("x")
    change(folder, files={"../secret": "0"})
    with pytest.raises(InvalidInput, match="outside of it"):
        load_model(folder)


def test_only_modules_of_models_are_loaded(folder, monkeypatch):
    monkeypatch.setitem(manifest.KINDS, "column", "os:path")
    with pytest.raises(InvalidInput, match="only modules of 'models'"):
        load_model(folder)


def test_the_wrong_class_is_told_apart(folder):
    with pytest.raises(InvalidInput, match="holds a 'column', not a 'mean'"):
        MeanScorer.load(folder)


def test_a_failed_save_leaves_the_older_model(folder):
    with pytest.raises(RuntimeError), saving(folder, "column", {}) as draft:
        (draft / "half").write_text("x")
        raise RuntimeError("disk full")
    X = customers()
    assert np.isfinite(load_model(folder).predict(X)).all()
    assert [path.name for path in folder.parent.iterdir()] == ["model"]


def test_numbers_of_numpy_are_kept_as_plain_ones(tmp_path):
    with saving(tmp_path / "model", "mean", {"seed": np.int64(3)}):
        pass
    assert read_manifest(tmp_path / "model").params == {"seed": 3}
    with (
        pytest.raises(InvalidInput, match="a model parameter"),
        saving(tmp_path / "model", "mean", {"seed": object()}),
    ):
        pass


HEAVY = ("lightgbm", "implicit", "torch", "sklearn", "faiss", "mlflow", "feast")


@pytest.mark.parametrize(
    ("modules", "allowed"),
    [
        (("als", "popular", "baselines", "response_rates", "ziln", "calibrator_choice"), ()),
        (("gbm", "hurdle", "calibrated"), ("lightgbm", "sklearn")),  # lightgbm imports sklearn
    ],
)
def test_importing_one_model_loads_no_library_of_another(modules, allowed):
    names = "; ".join(f"import models.{module}" for module in modules)
    code = f"{names}; import sys; print([n for n in {HEAVY!r} if n in sys.modules])"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(json.loads(run.stdout.replace("'", '"')))
    assert loaded <= set(allowed)
