"""The released recommender as an MLflow pyfunc model, for `mlflow models serve`.

The request carries the history, since a served model knows no customers; the answer is ten item
ids without filter, stock or reasons.
"""

from pathlib import Path
from typing import Any

import mlflow.pyfunc
from mlflow.models import set_model

from models.history import History
from models.manifest import load_model


class Served(mlflow.pyfunc.PythonModel):
    def load_context(self, context: Any) -> None:
        self.model = load_model(Path(context.artifacts["model"]))

    def predict(self, context, model_input, params=None):
        histories = [History.of(text.split(" ")) for text in model_input["history"]]
        found = self.model.recommend_batch(histories, 10, [h.item_ids for h in histories])
        return [ids for ids, _ in found]


set_model(Served())


def save(release: Path, folder: Path) -> None:
    """Write the model of a release as MLflow keeps it."""
    mlflow.pyfunc.save_model(
        str(folder),
        python_model=__file__,
        artifacts={"model": str(release / "models" / "recommend")},
        pip_requirements=[],
    )
