"""The report of an import accounts for every row: used, counted already, or refused and why."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Example:
    """One refused row: where it stands and the value that was the reason ('' column: the line)."""

    file: str
    row: int
    column: str
    value: str

    def to_text(self) -> str:
        """Return "a.csv, row 7, Price '-2.00'"."""
        seen = f"{self.column} {self.value!r}" if self.column else repr(self.value[:80])
        return f"{self.file}, row {self.row:,}, {seen}"


@dataclass(frozen=True, slots=True)
class Refused:
    """How many rows were refused for one reason, with the first few of them."""

    count: int
    examples: tuple[Example, ...]

    def plus(self, other: "Refused") -> "Refused":
        """Return both together."""
        return Refused(self.count + other.count, (*self.examples, *other.examples)[:EXAMPLES])


@dataclass(frozen=True, slots=True)
class ImportReport:
    """What an import did. `rows_read` = `rows_used` + `rows_repeated` + all refused rows."""

    files: tuple[str, ...]
    rows_read: int
    rows_used: int
    rows_repeated: int  # stood in an earlier file of the same import too
    events_made: int
    stored: int
    duplicates: int  # events that the log held already
    kinds: Mapping[str, int]  # kind -> events made
    refused: Mapping[str, Refused]  # reason -> rows
    first_at: datetime
    last_at: datetime
    customers: int
    items: int
    warnings: tuple[str, ...] = field(default=())

    def to_lines(self) -> list[str]:
        """Return the report as plain lines of text."""
        return [*self._counts(), *refusal_lines(self.refused), *self._warnings()]

    def _counts(self) -> Iterator[str]:
        files = "1 file" if len(self.files) == 1 else f"{len(self.files)} files"
        kinds = ", ".join(f"{kind} {count:,}" for kind, count in self.kinds.items())
        refused = sum(r.count for r in self.refused.values())
        yield _row("rows read", self.rows_read, f"from {files}")
        yield _row("  used", self.rows_used)
        yield _row("  repeated", self.rows_repeated, "also in an earlier file, counted once")
        yield _row("  refused", refused)
        yield _row("events made", self.events_made, kinds)
        yield _row("  stored", self.stored)
        yield _row("  duplicates", self.duplicates, "in the log already, not stored again")
        yield _row("customers", self.customers)
        yield _row("items", self.items)
        first, last = (f"{at:%Y-%m-%d %H:%M:%S}" for at in (self.first_at, self.last_at))
        yield f"{'time (UTC)':<14}{first} to {last}"

    def _warnings(self) -> Iterator[str]:
        for warning in self.warnings:
            yield f"warning: {warning}"


def refusal_lines(refused: Mapping[str, Refused]) -> Iterator[str]:
    """Yield each reason with its count, the most frequent first, and its examples below it."""
    for reason, rows in sorted(refused.items(), key=lambda pair: (-pair[1].count, pair[0])):
        yield f"refused {rows.count:,}: {reason}"
        for example in rows.examples:
            yield f"    {example.to_text()}"


def _row(label: str, count: int, note: str = "") -> str:
    return f"{label:<14}{count:>12,}" + (f"   {note}" if note else "")
