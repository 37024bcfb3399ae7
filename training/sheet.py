"""The sheet of a model says all that scoring and release must know of it beside its files."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from training.intervals import ScoreIntervals

SHEET = "sheet.json"


@dataclass(frozen=True, slots=True)
class Sheet:
    """What was learned, how good it is, how sure; it lies beside the model's folder."""

    name: str  # the key in the API
    recipe: str
    kind: str  # the winning candidate
    unit: str
    horizon_days: int
    trained_at: str  # ISO 8601
    reliability: str  # high | low
    reliability_reason: str
    metrics: dict[str, float]
    intervals: ScoreIntervals | None = None
    explained_by: str = (
        ""  # folder of the stand-in that explains the model, '' if it explains itself
    )
    learned_at: str = ""  # the newest cut-off it was learned from, ISO 8601; live data are compared
    enough: list[str] = field(default_factory=list)  # checks of the data that passed, in words

    def write(self, folder: Path) -> None:
        """Write `sheet.json` into `folder`."""
        (folder / SHEET).write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))

    @classmethod
    def read(cls, folder: Path) -> "Sheet":
        """Read `sheet.json` of `folder`."""
        plain: dict[str, Any] = orjson.loads((folder / SHEET).read_bytes())
        intervals = plain.pop("intervals")
        return cls(**plain, intervals=ScoreIntervals.from_plain(intervals) if intervals else None)
