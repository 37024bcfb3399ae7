"""Learn a score from any plain table, such as leads exported from a CRM, with card and gate."""

from datetime import datetime
from pathlib import Path

import pandas as pd

from domain.errors import InvalidInput, NotFound
from domain.settings import Settings
from training.checks import MIN_OUTCOMES, outcome_checks
from training.leaks import find_leaks
from training.outcome import Outcome
from training.publishing import Trained, publish
from training.table_asked import Screened, TableAsked
from training.table_columns import Prepared, prepare
from training.table_learning import learn
from training.table_report import base_rate, learned_model, report_table
from training.table_test import tested_table
from training.tracking import Tracker

__all__ = ["TableAsked", "read_table", "screened", "train_table"]


def read_table(file: Path) -> pd.DataFrame:
    """Read a CSV (comma, semicolon or tab) or Parquet file."""
    if not file.is_file():
        raise NotFound(f"no table at {file}; give a CSV or Parquet file")
    try:
        if file.suffix.lower() in (".parquet", ".pq"):
            return pd.read_parquet(file)
        return pd.read_csv(file, sep=None, engine="python")
    except (ValueError, OSError, pd.errors.ParserError) as wrong:
        raise InvalidInput(f"{file} cannot be read as a table: {wrong}") from wrong


def screened(asked: TableAsked, frame: pd.DataFrame, seed: int, at: datetime) -> Screened:
    """Return the prepared table without what leaks, and the leaks that were found."""
    for name in (*asked.keep, *asked.leave_out):
        if name not in frame.columns:
            raise InvalidInput(f"{name!r} is no column of {asked.file.name}", field=name)
    table = prepare(frame.drop(columns=list(asked.leave_out)), asked.target, asked.time, at)
    leaks = find_leaks(table.X, table.y, seed)
    out = [leak.column for leak in leaks if leak.sure and leak.column not in asked.keep]
    if len(out) == table.X.shape[1]:
        raise InvalidInput(
            f"every column seems to know the outcome ({', '.join(out)}); name those that were "
            "known before it with --keep"
        )
    return Screened(
        Prepared(table.X.drop(columns=out), table.y, table.who, table.when, table.said), leaks, out
    )


def train_table(asked: TableAsked, settings: Settings, at: datetime) -> tuple[Outcome, list[str]]:
    """Learn from a plain table and release what passes; return also what was found and done."""
    trained, said = made_of_table(asked, settings, at)
    return publish(Tracker.open(settings.home), trained, at), said


def made_of_table(asked: TableAsked, settings: Settings, at: datetime) -> tuple[Trained, list[str]]:
    """Learn from a plain table, and write nothing down yet."""
    found = screened(asked, read_table(asked.file), settings.seed, at)
    table, seed, threads = found.table, settings.seed, settings.threads
    known = {"with": int(table.y.sum()), "without": int(len(table.y) - table.y.sum())}
    checks = outcome_checks(known, "rows")
    if min(known.values()) < MIN_OUTCOMES:
        model = base_rate(found, checks)
    else:
        tested = tested_table(table, seed, threads)
        learned = learn(table.X, table.y, table.who, seed, threads)
        model = learned_model(learned, tested, checks, seed)
    return report_table(asked, found, model, seed, at), found.sentences()
