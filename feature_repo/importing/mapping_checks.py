"""What a well-typed mapping can still get wrong: zones, patterns, kinds, keys that clash."""

import codecs
import re
from collections.abc import Iterator

import duckdb

from domain.catalogue import Catalogue
from feature_repo.importing.mapping_toml import nearest
from feature_repo.importing.rules import Mapping, Refusal

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,39}")


def faults_of(mapping: Mapping, catalogue: Catalogue) -> list[str]:
    """Return every fault of a mapping as a sentence; none means it can be used."""
    with duckdb.connect() as db:
        return [
            *_name(mapping),
            *_file(mapping),
            *_time(mapping, db),
            *_kind(mapping, catalogue),
            *_columns(mapping),
            *_choices(mapping),
            *_returns(mapping, db),
            *(f for n, r in enumerate(mapping.refuse, 1) for f in _refusal(f"refuse[{n}]", r, db)),
        ]


def _name(mapping: Mapping) -> Iterator[str]:
    if not _NAME.fullmatch(mapping.name):
        yield f"'name' is {mapping.name!r}; use 1 to 40 of a-z, 0-9, '_' and '-'"


def _file(mapping: Mapping) -> Iterator[str]:
    try:
        codecs.lookup(mapping.file.encoding)
    except LookupError:
        yield (
            f"'file.encoding' is {mapping.file.encoding!r}, which is not known"
            f"{nearest(mapping.file.encoding, ('utf-8', 'utf-16', 'latin-1', 'cp1252'))}"
        )
    if mapping.file.delimiter is not None and len(mapping.file.delimiter) != 1:
        yield f"'file.delimiter' is {mapping.file.delimiter!r}; it must be one character"
    if mapping.file.header == bool(mapping.file.columns):
        yield "'file.columns' goes with 'file.header = false'; give both or neither"


def _time(mapping: Mapping, db: duckdb.DuckDBPyConnection) -> Iterator[str]:
    rule = mapping.time
    zones = [row[0] for row in db.execute("SELECT name FROM pg_timezone_names()").fetchall()]
    if rule.zone not in zones:
        yield f"'time.zone' is {rule.zone!r}, which is not known{nearest(rule.zone, zones)}"
    if rule.format in ("iso", "unix", "unix_ms"):
        return
    try:
        db.execute("SELECT try_strptime('', ?)", [rule.format])
    except duckdb.Error:
        yield (
            f"'time.format' is {rule.format!r}; it must be 'iso', 'unix', 'unix_ms' or a pattern "
            "such as '%d/%m/%Y %H:%M'"
        )
        return
    if "%" not in rule.format:
        yield (
            f"'time.format' is {rule.format!r}, which holds no part of a time"
            f"{nearest(rule.format, ('iso', 'unix', 'unix_ms'))}"
        )


def _kind(mapping: Mapping, catalogue: Catalogue) -> Iterator[str]:
    rule = mapping.kind
    if (rule.always is None) == (rule.column is None):
        yield "[kind] needs either 'always' or 'column' with 'values', not both and not neither"
    if (rule.column is None) == bool(rule.values):
        yield "'kind.values' goes with 'kind.column': say which kind each of its values is"
    for kind in (rule.always, *rule.values.values()):
        if kind is not None and kind not in catalogue.kinds:
            yield f"[kind] names {kind!r}, which is no event kind{nearest(kind, catalogue.kinds)}"


def _columns(mapping: Mapping) -> Iterator[str]:
    columns = mapping.columns
    if columns.customer is None and columns.anonymous is None and columns.item is None:
        yield "[columns] names neither customer, anonymous nor item; name at least one"
    if columns.unit_price is not None and columns.amount is not None:
        yield "[columns] names both 'unit_price' and 'amount'; keep the one the file has"
    if columns.currency is not None and mapping.money.currency is not None:
        yield "both 'columns.currency' and 'money.currency' are given; keep one"
    for name in ("title", "category", "brand", "price", "in_stock"):
        if columns.item is None and getattr(mapping.item, name) is not None:
            yield f"'item.{name}' is given without 'columns.item', the id of the item"
    if mapping.traits and columns.customer is None:
        yield "[traits] is given without 'columns.customer', whose traits they are"


def _choices(mapping: Mapping) -> Iterator[str]:
    for key, given, allowed in (
        ("money.zero_price", mapping.money.zero_price, ("keep", "refuse")),
        ("item.id_case", mapping.item.id_case, ("keep", "upper", "lower")),
        ("file.decimal", mapping.file.decimal, (".", ",")),
    ):
        if given not in allowed:
            yield f"'{key}' is {given!r}; it must be one of {', '.join(map(repr, allowed))}"


def _returns(mapping: Mapping, db: duckdb.DuckDBPyConnection) -> Iterator[str]:
    rule = mapping.returns
    if (rule.column is None) == bool(rule.matches):
        yield "'returns.column' and 'returns.matches' go together; give both or neither"
    yield from _patterns("returns.matches", rule.matches, db)


def _refusal(where: str, rule: Refusal, db: duckdb.DuckDBPyConnection) -> Iterator[str]:
    on_column = bool(rule.matches) or rule.missing
    on_column |= any(v is not None for v in (rule.below, rule.above, rule.equals))
    if on_column and rule.column is None:
        yield f"'{where}' tests a column but names none; add 'column'"
    if not on_column and rule.before is None and rule.since is None:
        yield (
            f"'{where}' tests nothing; add 'matches', 'missing', 'below', 'above', 'equals', "
            "'before' or 'since'"
        )
    yield from _patterns(f"{where}.matches", rule.matches, db)


def _patterns(
    where: str, patterns: tuple[str, ...], db: duckdb.DuckDBPyConnection
) -> Iterator[str]:
    for pattern in patterns:
        try:
            db.execute("SELECT regexp_full_match('', ?)", [pattern])
        except duckdb.Error as fault:
            yield f"'{where}' has {pattern!r}, which is no regular expression: {fault}"
