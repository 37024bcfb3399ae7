"""What a person asks of a plain table, and the table as it is ready to be learned."""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from training.leaks import Leak
from training.table_columns import Prepared


@dataclass(frozen=True, slots=True)
class TableAsked:
    """What to learn; `keep` overrules the leak check, `leave_out` goes before it."""

    file: Path
    target: str
    time: str = ""
    name: str = ""
    keep: Collection[str] = ()
    leave_out: Collection[str] = ()

    @property
    def model(self) -> str:
        """The name of the model."""
        return self.name or f"{self.file.stem}_{self.target}".lower().replace(" ", "_")


@dataclass(frozen=True, slots=True)
class Screened:
    """A prepared table, the leaks found in it, and the columns that were left out for it."""

    table: Prepared
    leaks: list[Leak]
    left_out: list[str]

    @property
    def kept_leaks(self) -> list[Leak]:
        """The sure leaks that were kept because it was asked for."""
        return [leak for leak in self.leaks if leak.sure and leak.column not in self.left_out]

    def sentences(self) -> list[str]:
        """Say what was found and what was done."""
        said = []
        for leak in self.leaks:
            done = "left out" if leak.column in self.left_out else "kept; look at it"
            said.append(f"{leak.column!r} seems to know the outcome: {leak.reason} ({done})")
        return [*self.table.said, *said]
