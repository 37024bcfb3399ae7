"""The workshop is what every training needs at hand: the settings, the lake, the data window."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import duckdb

from domain.events import to_micros
from domain.settings import Settings
from feature_repo.late_erasure import LateErasures, late_erasures
from feature_repo.state_tables import connect
from training.data_window import DataWindow, data_window, sketch
from training.lineage import code_tags
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
        window, settings = self.window, self.settings
        return {
            "data.first_at": window.first_at.isoformat(),
            "data.last_at": window.last_at.isoformat(),
            "data.events": str(window.events),
            "data.fingerprint": window.fingerprint,
            "data.sketch": " ".join(sketch(self.db, window.first_at, window.last_at)),
            "feature_service": feature_service,
            "recipe": recipe,
            "setting.seed": str(settings.seed),
            "setting.threads": str(settings.threads),
            "setting.churn_horizon_days": str(settings.churn_horizon_days),
            **code_tags(recipe),
        }


@contextmanager
def open_workshop(
    settings: Settings,
    at: datetime,
    progress: Progress | None = None,
    *,
    before: datetime | None = None,
) -> Iterator[Workshop]:
    """Open the lake under `settings.home`; NotEnoughData when it holds no events.

    With `before` all is as it was at that time: nothing of then or later is there.
    """
    limit, threads = settings.memory_limit, settings.threads
    end = None if before is None else to_micros(before)
    with (
        connect(settings.home, threads=threads, memory_limit=limit, before=end) as db,
        late_erasures(settings) as late,
    ):
        say = progress or (lambda what, share: None)
        yield Workshop(settings, db, data_window(db), at, say, late)
