"""The statements of a point-in-time join: which stored row each moment sees, then its values."""

from dataclasses import dataclass
from datetime import datetime, timedelta

_MICRO = "INTERVAL 1 MICROSECOND"


@dataclass(frozen=True, slots=True)
class Asked:
    """The first and the last moment asked about; not-a-time when nothing was asked."""

    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class VersionedRows:
    """The stored rows of one feature view: many versions per key, each with its timestamp.

    `keys` maps the asking column to the stored one, `columns` the feature's name in the answer to
    the stored column. With `honour_created`, a row counts only from the time it was written.
    """

    files: list[str]
    keys: dict[str, str]
    columns: dict[str, str]
    timestamp: str
    created: str | None
    ttl: timedelta | None
    honour_created: bool = False


def match_sql(view: VersionedRows, asked: Asked) -> str:
    """Return the statement for `n, file, file_row`: the stored row that each asked row sees.

    A version can be seen from one microsecond after its timestamp (so strictly before the moment),
    or from the time it was written if that is later and counts. The ASOF join takes the version
    that could be seen last; `_versions` leaves only those for which that is also the newest.
    """
    keys = [f"k{i}" for i in range(len(view.keys))]
    match = " AND ".join(f"a.{k} = v.{k}" for k in keys)
    fresh = f"v.ts + {_micros(view.ttl)} >= a.moment" if view.ttl else "TRUE"
    return f"""
        WITH versions AS ({_versions(view, keys, asked)})
        SELECT a.n, CASE WHEN {fresh} THEN v.file END AS file, v.file_row
        FROM asked a ASOF LEFT JOIN versions v ON {match} AND a.moment >= v.seen_from
    """


def fetch_sql(view: VersionedRows) -> str:
    """Return the statement for `n` and the features of the table `matched`, ordered by n."""
    values = "".join(f", f.{_name(c)} AS {_name(shown)}" for shown, c in view.columns.items())
    return f"""
        SELECT m.n{values} FROM matched m
        LEFT JOIN {_scan(view)} f ON f."__file" = m.file AND f.file_row_number = m.file_row
        ORDER BY m.n
    """


def columns_sql(view: VersionedRows) -> str:
    """Return the statement that lists the stored columns, first their names."""
    return f"DESCRIBE SELECT * FROM {_scan(view)}"


def _versions(view: VersionedRows, keys: list[str], asked: Asked) -> str:
    """Return the statement for the versions that can win, one per key and `seen_from`."""
    ts = f"f.{_name(view.timestamp)}::TIMESTAMPTZ"
    created = f"coalesce(f.{_name(view.created)}::TIMESTAMPTZ, {ts})" if view.created else ts
    late = f"greatest({ts} + {_MICRO}, {created})" if view.honour_created else f"{ts} + {_MICRO}"
    stored = dict(zip(keys, view.keys.values(), strict=True))
    match = " AND ".join(f"a.{k} = f.{_name(column)}" for k, column in stored.items())
    key_list = ", ".join(keys)
    return f"""
        SELECT {key_list}, ts, seen_from, file, file_row FROM (
            SELECT {", ".join(f"f.{_name(column)} AS {k}" for k, column in stored.items())},
                   {ts} AS ts, {created} AS created, {late} AS seen_from,
                   f."__file" AS file, f.file_row_number AS file_row
            FROM {_scan(view)} f SEMI JOIN asked a ON {match}
            WHERE {_window(ts, view.ttl, asked)}
            QUALIFY row_number() OVER (
                PARTITION BY {key_list}, seen_from ORDER BY ts DESC, created DESC) = 1
        ) {_newest_so_far(key_list) if view.honour_created else ""}
    """


def _newest_so_far(keys: str) -> str:
    """Return the clause that drops a version written after a newer one was already visible."""
    return f"QUALIFY ts >= max(ts) OVER (PARTITION BY {keys} ORDER BY seen_from)"


def _window(ts: str, ttl: timedelta | None, asked: Asked) -> str:
    """Return the condition that lets DuckDB skip row groups no asked moment can see."""
    if asked.last != asked.last:  # not-a-time: nothing was asked
        return "FALSE"
    since = f" AND {ts} >= {_time(asked.first - ttl)}" if ttl else ""
    return f"{ts} < {_time(asked.last)}{since}"


def _scan(view: VersionedRows) -> str:
    files = ", ".join("'" + file.replace("'", "''") + "'" for file in view.files)
    return (
        f"read_parquet([{files}], union_by_name = true, hive_partitioning = false,"
        " filename = '__file', file_row_number = true)"
    )


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def _time(at: datetime) -> str:
    return f"TIMESTAMPTZ '{at.isoformat()}'"


def _micros(span: timedelta) -> str:
    return f"to_microseconds({span // timedelta(microseconds=1)})"
