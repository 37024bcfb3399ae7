"""The only door to MLflow: runs with all that is in them, versions, and the alias `champion`."""

import contextlib
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote, urlparse

from domain.errors import NotFound
from domain.settings import Settings

if TYPE_CHECKING:
    from mlflow import MlflowClient

ALIAS = "champion"
EXPERIMENT = "nextbest"
MODEL_FOLDER = "model"  # inside the artefacts of a run; the model's own plain files
_LONGEST = 6000  # characters of a parameter that MLflow keeps


@dataclass(frozen=True, slots=True)
class RunRecord:
    """One training as it goes into MLflow; `folder` holds the artefacts, `model` among them."""

    name: str
    at: datetime
    params: Mapping[str, Any]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    folder: Path


@dataclass(frozen=True, slots=True)
class Champion:
    """The version of a model that is released: where its artefacts lie and what its tags say."""

    name: str
    version: str
    run_id: str
    folder: Path
    tags: Mapping[str, str]

    @property
    def model(self) -> Path:
        """The folder of the model itself."""
        return self.folder / MODEL_FOLDER


class Tracker:
    """Runs and models in `<home>/mlflow.db`, artefacts in `<home>/mlruns`."""

    def __init__(self, client: "MlflowClient", experiment_id: str) -> None:
        """Use `open` instead."""
        self._client = client
        self._experiment_id = experiment_id

    @classmethod
    def open(cls, home: Path) -> "Tracker":
        """Open MLflow's files under `home`; the first time makes its tables (some seconds)."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # MLflow's tables use what SQLAlchemy will drop
            client = _client(home)
            found = client.get_experiment_by_name(EXPERIMENT)
        if found is not None:
            return cls(client, found.experiment_id)
        location = (home.resolve() / "mlruns").as_uri()
        return cls(client, client.create_experiment(EXPERIMENT, artifact_location=location))

    def log(self, record: RunRecord) -> str:
        """Store a run with its artefacts; return its id."""
        from mlflow.entities import Metric, Param, RunTag

        millis = int(record.at.timestamp() * 1000)
        run = self._client.create_run(self._experiment_id, millis, run_name=record.name)
        run_id = run.info.run_id
        self._client.log_batch(
            run_id,
            metrics=[Metric(_key(k), float(v), millis, 0) for k, v in record.metrics.items()],
            params=[Param(k, str(v)[:_LONGEST]) for k, v in record.params.items()],
            tags=[RunTag(k, v) for k, v in record.tags.items()],
        )
        self._client.log_artifacts(run_id, str(record.folder))
        self._client.set_terminated(run_id)
        return str(run_id)

    def register(self, name: str, run_id: str, tags: Mapping[str, str]) -> str:
        """Register a run's model as a new version and make it the champion; return the version."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(name)
        except MlflowException as fault:
            if fault.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        source = f"{self._client.get_run(run_id).info.artifact_uri}/{MODEL_FOLDER}"
        made = self._client.create_model_version(name, source, run_id, tags=dict(tags))
        self._client.set_registered_model_alias(name, ALIAS, made.version)
        return str(made.version)

    def champion(self, name: str) -> Champion | None:
        """Return the released version of a model, or None."""
        from mlflow.exceptions import MlflowException

        try:
            found = self._client.get_model_version_by_alias(name, ALIAS)
        except MlflowException as fault:
            if fault.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise
        folder = Path(unquote(urlparse(str(found.source)).path)).parent
        if not folder.is_dir():
            raise NotFound(f"{name} {found.version}: no artefacts at {folder}; train it again")
        return Champion(name, str(found.version), str(found.run_id), folder, dict(found.tags))


def _client(home: Path) -> "MlflowClient":
    # Telemetry is read once, when MLflow is imported; the import takes over a second.
    os.environ.setdefault("MLFLOW_DISABLE_TELEMETRY", "true")
    os.environ.setdefault("MLFLOW_ENABLE_ASYNC_LOGGING", "false")
    from mlflow import MlflowClient

    home.mkdir(parents=True, exist_ok=True)
    logging.getLogger("mlflow").setLevel(logging.WARNING)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    return MlflowClient(tracking_uri=_uri(home), registry_uri=_uri(home))


def _uri(home: Path) -> str:
    return f"sqlite:///{home.resolve() / 'mlflow.db'}"


def _key(name: str) -> str:
    return name.replace("@", "_at_")


def serve_pages(settings: Settings) -> None:
    """Run MLflow's pages for `settings.home` until interrupted."""
    home = settings.home.resolve()
    command = [
        sys.executable, "-m", "mlflow", "server",
        "--backend-store-uri", _uri(home),
        "--default-artifact-root", (home / "mlruns").as_uri(),
        "--host", settings.host,
        "--port", str(settings.mlflow_port),
        "--workers", "1",
    ]  # fmt: skip
    quiet = {"MLFLOW_DISABLE_TELEMETRY": "true", "MLFLOW_SERVER_ENABLE_JOB_EXECUTION": "false"}
    with contextlib.suppress(KeyboardInterrupt):
        subprocess.run(command, env={**os.environ, **quiet}, check=True)
