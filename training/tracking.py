"""The only door to MLflow: runs with all that is in them, versions, and the alias `champion`."""

import contextlib
import logging
import os
import subprocess
import sys
import warnings
from collections.abc import Iterator, Mapping
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
TESTED_FOLDER = "tested"  # the model as it was tested, before it learned from the test as well
SINCE, BY, REASON, BEFORE = (f"champion.{what}" for what in ("since", "by", "reason", "before"))
ROLLBACK = "rollback"
PARENT = "mlflow.parentRunId"  # tag of a run inside another one
SHORTEST_ID = 6  # characters of a run's id that are enough where only one run begins so
_LONGEST = 4000  # characters of a parameter or tag that we keep; MLflow takes 5,000


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
class Move:
    """Why and when a version became the champion, and by which command."""

    at: datetime
    by: str  # training | promote | rollback
    reason: str


@dataclass(frozen=True, slots=True)
class Run:
    """A run as it was logged."""

    run_id: str
    name: str
    params: Mapping[str, str]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    folder: Path

    @property
    def lineage(self) -> dict[str, str]:
        """All that its numbers hang on."""
        return {**self.params, **self.tags}


@dataclass(frozen=True, slots=True)
class Champion:
    """A version of a model, mostly the released one: where its artefacts lie, what its tags say."""

    name: str
    version: str
    run_id: str
    folder: Path
    tags: Mapping[str, str]

    @property
    def model(self) -> Path:
        """The folder of the model itself."""
        return self.folder / MODEL_FOLDER

    @property
    def tested(self) -> Path:
        """The folder of the model as it was tested."""
        return self.folder / TESTED_FOLDER


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
            tags=[RunTag(k, v[:_LONGEST]) for k, v in record.tags.items()],
        )
        self._client.log_artifacts(run_id, str(record.folder))
        self._client.set_terminated(run_id)
        return str(run_id)

    def register(self, name: str, run_id: str, tags: Mapping[str, str]) -> str:
        """Register a run's model as a new version, not yet the champion; return the version."""
        from mlflow.exceptions import MlflowException

        try:
            self._client.create_registered_model(name)
        except MlflowException as fault:
            if fault.error_code != "RESOURCE_ALREADY_EXISTS":
                raise
        source = f"{self._client.get_run(run_id).info.artifact_uri}/{MODEL_FOLDER}"
        made = self._client.create_model_version(name, source, run_id, tags=dict(tags))
        return str(made.version)

    def promote(self, name: str, version: str, move: Move) -> None:
        """Make a version the champion, and write down why and which one was so before."""
        before = self.champion_version(name)
        tags = {SINCE: move.at.isoformat(), BY: move.by, REASON: move.reason}
        if move.by != ROLLBACK:  # which leads back along what was written before
            tags[BEFORE] = before or ""
        for key, value in tags.items():
            self._client.set_model_version_tag(name, version, key, value[:_LONGEST])
        self._client.set_registered_model_alias(name, ALIAS, version)

    @contextlib.contextmanager
    def trying(self, name: str) -> Iterator[None]:
        """Try a new champion; when the block fails, the one before is it again."""
        before = self.champion_version(name)
        try:
            yield
        except BaseException:
            if before is None:
                self._client.delete_registered_model_alias(name, ALIAS)
            else:
                self._client.set_registered_model_alias(name, ALIAS, before)
            raise

    def champion_version(self, name: str) -> str | None:
        """Return the number of the released version of a model, or None."""
        from mlflow.exceptions import MlflowException

        try:
            return str(self._client.get_model_version_by_alias(name, ALIAS).version)
        except MlflowException as fault:
            if fault.error_code in ("RESOURCE_DOES_NOT_EXIST", "INVALID_PARAMETER_VALUE"):
                return None
            raise

    def champion(self, name: str) -> Champion | None:
        """Return the released version of a model, or None."""
        version = self.champion_version(name)
        return None if version is None else self.version(name, version)

    def models(self) -> list[str]:
        """Return the names of all registered models."""
        return sorted(m.name for m in self._client.search_registered_models(max_results=1000))

    def versions(self, name: str) -> list[str]:
        """Return the numbers of all versions of a model, oldest first, or raise NotFound."""
        if name not in self.models():
            known = ", ".join(self.models()) or "none; run `nextbest train` first"
            raise NotFound(f"no model {name!r} is registered; known: {known}")
        found = self._client.search_model_versions(f"name = '{name}'", max_results=10_000)
        return sorted((str(v.version) for v in found), key=int)

    def version(self, name: str, version: str) -> Champion:
        """Return a version of a model, or raise NotFound."""
        from mlflow.exceptions import MlflowException

        try:
            found = self._client.get_model_version(name, version)
        except MlflowException:
            known = ", ".join(self.versions(name))
            raise NotFound(f"{name} has no version {version!r}; known: {known}") from None
        folder = _path(str(found.source)).parent
        if not folder.is_dir():
            raise NotFound(f"{name} {found.version}: no artefacts at {folder}; train it again")
        return Champion(name, str(found.version), str(found.run_id), folder, dict(found.tags))

    def run(self, given: str) -> Run:
        """Return a run by its id, the first characters of it, or MODEL/VERSION."""
        name, _, version = given.partition("/")
        if version:
            wanted = self.champion_version(name) or "" if version == ALIAS else version
            given = self.version(name, wanted).run_id
        found = [run for run in self._search() if run.run_id.startswith(given)]
        if len(given) < SHORTEST_ID or len(found) != 1:
            fault = f"{len(found)} runs begin with {given!r}" if found else f"no run {given!r}"
            raise NotFound(
                f"{fault}; give an id that `nextbest train` or `nextbest mlflow` shows, its first "
                f"{SHORTEST_ID} characters or more, or MODEL/VERSION such as churn/2"
            )
        return found[0]

    def runs(self, name: str) -> list[Run]:
        """Return all runs of a model, the newest first."""
        return [run for run in self._search() if run.name == name]

    def _search(self) -> list[Run]:
        found = self._client.search_runs([self._experiment_id], max_results=50_000)
        return [_run(run.info, run.data) for run in found]


def _run(info: Any, data: Any) -> Run:
    return Run(
        str(info.run_id), str(data.tags.get("model", info.run_name)), dict(data.params),
        dict(data.metrics), dict(data.tags), _path(str(info.artifact_uri)),
    )  # fmt: skip


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


def _path(uri: str) -> Path:
    return Path(unquote(urlparse(uri).path))


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
