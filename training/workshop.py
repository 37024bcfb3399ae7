"""The workshop is what every training needs at hand: the settings, the lake, the data window."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from domain.settings import Settings
from feature_repo.late_erasure import LateErasures, late_erasures
from feature_repo.state_tables import connect
from training.data_window import DataWindow, data_window
from training.recipe import Options

Progress = Callable[[str, float], None]  # what is being done, and the share that is done


@dataclass(frozen=True, slots=True)
class Workshop:
    """Open while one command runs; `at` is the wall clock of the command, for the records only."""

    settings: Settings
    db: duckdb.DuckDBPyConnection
    window: DataWindow
    at: datetime
    say: Progress
    late: LateErasures  # who was erased since it was opened; at its end nothing holds them
    built: set[datetime] = field(default_factory=set)  # cut-offs whose features stand in the store

    @property
    def options(self) -> Options:
        """The run options of every model."""
        return Options(self.settings.seed, self.settings.threads)

    def tags(self, recipe: str, feature_service: str) -> dict[str, str]:
        """Return the lineage of a model as MLflow tags."""
        return {
            "data.first_at": self.window.first_at.isoformat(),
            "data.last_at": self.window.last_at.isoformat(),
            "data.events": str(self.window.events),
            "data.fingerprint": self.window.fingerprint,
            "feature_service": feature_service,
            "recipe": recipe,
        }


@contextmanager
def open_workshop(
    settings: Settings, at: datetime, progress: Progress | None = None
) -> Iterator[Workshop]:
    """Open the lake under `settings.home`; NotEnoughData when it holds no events."""
    limit, threads = settings.memory_limit, settings.threads
    with (
        connect(settings.home, threads=threads, memory_limit=limit) as db,
        late_erasures(settings) as late,
    ):
        say = progress or (lambda what, share: None)
        yield Workshop(settings, db, data_window(db), at, say, late)
