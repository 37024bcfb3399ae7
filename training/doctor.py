"""The doctor says whether the data carries the models, and what to do where it does not."""

import re
from collections.abc import Sequence
from contextlib import closing, suppress
from datetime import datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from domain.catalogue import PURCHASE_GROUP
from domain.errors import NotEnoughData, StoreUnavailable
from domain.settings import APART, EMBEDDED, ON, Settings
from feature_repo.backends import open_log
from feature_repo.checkup import BAD, GOOD, NOTE, Finding, examine
from feature_repo.consumers import PartitionLag
from feature_repo.lake import export
from feature_repo.state_tables import connect
from training.checks import HORIZONS, MIN_OUTCOMES, RELIABLE_OUTCOMES

_FAR_BEHIND = 10_000  # events, for which a stream takes seconds
_CONSTRAINTS = Path(__file__).parent.parent / "constraints.txt"
_WATCHED = ("feast", "mlflow", "duckdb", "pandas", "sqlglot", "torch", "lightgbm", "faiss-cpu")


def examine_all(settings: Settings, now: datetime) -> list[Finding]:
    """Return every finding about data, models and versions, the data first."""
    _bring_lake_up_to_date(settings)
    findings = examine(settings.home, settings.currency, now)
    try:
        with connect(settings.home) as db:
            customers, buyers, days = db.execute(f"""
                SELECT count(DISTINCT coalesce(customer_id, anonymous_id)),
                       count(DISTINCT customer_id) FILTER (WHERE grp = '{PURCHASE_GROUP}'),
                       (max(occurred_at) - min(occurred_at)) / 86400e6
                FROM events LEFT JOIN kinds USING (kind)""").fetchone() or (0, 0, 0)
    except NotEnoughData:
        customers, buyers, days = 0, 0, 0
    findings.append(_enough("lead_score", customers - buyers, "people without a purchase"))
    findings.append(_enough("churn, clv, recommend", buyers, "customers with a purchase"))
    findings.append(_history(days))
    findings += streams(settings)
    findings += released_models(settings)
    return [*findings, _signed_ids(settings), *_versions()]


def _signed_ids(settings: Settings) -> Finding:
    if settings.require_signed_ids == ON:
        return Finding("customer ids", GOOD, "signed where the public key is used")
    return Finding(
        "customer ids", NOTE, "the public key may ask for any customer's list",
        "sign ids (docs/signed_ids.md) and set NEXTBEST_REQUIRE_SIGNED_IDS=on",
    )  # fmt: skip


def _bring_lake_up_to_date(settings: Settings) -> None:
    """Let the lake have what was recorded since the last build; no home is made where none is."""
    if settings.home.exists():
        with suppress(ConnectionError), closing(open_log(settings)) as log:
            export(log, settings.home)


def _enough(models: str, count: int, what: str) -> Finding:
    said = f"{count:,} {what}"
    if count < MIN_OUTCOMES:
        return Finding(
            models, BAD, f"{said}; below {MIN_OUTCOMES} there is no model but a base rate",
            "import a longer history, or more shops of the same kind",
        )  # fmt: skip
    if count < RELIABLE_OUTCOMES:
        return Finding(
            models, NOTE, f"{said}; scores carry reliability 'low' below {RELIABLE_OUTCOMES}",
            "read the intervals on the model card before you act on single scores",
        )  # fmt: skip
    return Finding(models, GOOD, said)


def _history(days: float) -> Finding:
    said = f"{days:.0f} days of history"
    if days < 90:
        return Finding(
            "history", BAD, f"{said}; a 30-day score needs 90", "import older orders as well"
        )
    if days < HORIZONS * 365:
        return Finding(
            "history", NOTE, f"{said}; a 365-day CLV needs three times its horizon",
            "trust clv_90 more than clv_365",
        )  # fmt: skip
    return Finding("history", GOOD, said)


def released_models(settings: Settings) -> list[Finding]:
    """Return whether the scores of each released model are reliable, and what they lack."""
    if not (settings.home / "mlflow.db").exists():
        return []
    from training.champions import champions
    from training.sheet import Sheet
    from training.tracking import Tracker

    found = champions(Tracker.open(settings.home))
    sheets = {name: Sheet.read(champion.folder) for name, champion in found.items()}
    return [
        Finding(
            name, NOTE, f"reliability low: {sheet.reliability_reason}",
            "the card of the model (`nextbest mlflow`) says what a reliable one needs",
        )
        if sheet.reliability_reason
        else Finding(name, GOOD, "reliability high: " + "; ".join(sheet.enough or ["tested"]))
        for name, sheet in sheets.items()
    ]  # fmt: skip


def streams(settings: Settings) -> list[Finding]:
    """Return who folds the partitions of a log in Redis, where the API leaves it to streams."""
    if settings.event_log == EMBEDDED or settings.stream != APART:
        return []
    try:
        with closing(open_log(settings)) as log:
            lags, partitions = log.lag(), log.partitions
    except StoreUnavailable as fault:
        return [Finding("streams", BAD, str(fault), "start that Redis, or set NEXTBEST_EVENT_LOG")]
    return [_stream_finding(lags, partitions)]


def _stream_finding(lags: Sequence[PartitionLag], partitions: int) -> Finding:
    """Return how streams keep up with the partitions of a log."""
    consumers = {lag.consumer for lag in lags if lag.consumer}
    free = partitions - sum(lag.consumer is not None for lag in lags)
    behind = sum(lag.waiting + lag.unfinished for lag in lags)
    said = (
        f"{len(consumers)} streams fold {partitions - free} of {partitions} partitions; "
        f"{behind:,} events behind"
    )
    if free:
        return Finding("streams", BAD, said, "start `nextbest stream`; it takes what is free")
    if behind > _FAR_BEHIND:
        return Finding("streams", NOTE, said, "start one more `nextbest stream`")
    return Finding("streams", GOOD, said)


def _versions() -> list[Finding]:
    if not _CONSTRAINTS.exists():
        return []
    pinned = dict(re.findall(r"^([\w.-]+)==(\S+)$", _CONSTRAINTS.read_text(), flags=re.M))
    wrong = [
        f"{name} {found} (tested: {pinned[name]})"
        for name in _WATCHED
        if name in pinned and (found := _installed(name)) != pinned[name]
    ]
    if wrong:
        return [Finding("versions", NOTE, ", ".join(wrong), "run `make setup` in a new .venv")]
    return [Finding("versions", GOOD, "the libraries are the tested ones")]


def _installed(name: str) -> str:
    try:
        return version(name).split("+")[0]
    except PackageNotFoundError:
        return "missing"
