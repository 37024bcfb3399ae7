"""Reading a mapping page: every unknown key and every wrong type, told in one go."""

import difflib
from collections.abc import Callable
from dataclasses import MISSING, fields
from datetime import datetime
from typing import Any, get_type_hints

from feature_repo.importing.rules import (
    ColumnRule,
    FileRule,
    ItemRule,
    KindRule,
    Mapping,
    MoneyRule,
    Refusal,
    ReturnRule,
    TimeRule,
)

SECTIONS: dict[str, type] = {
    "file": FileRule,
    "time": TimeRule,
    "kind": KindRule,
    "columns": ColumnRule,
    "returns": ReturnRule,
    "money": MoneyRule,
    "item": ItemRule,
}
TABLES = ("traits", "properties")  # free names -> columns
TEXTS = ("name", "about")
TOP_KEYS = (*TEXTS, *SECTIONS, *TABLES, "refuse")


def nearest(word: str, known: object) -> str:
    """Return "; did you mean 'x'?" for the closest of `known`, or '' when nothing is close."""
    by_lower = {str(k).lower(): str(k) for k in known}  # type: ignore[attr-defined]
    close = difflib.get_close_matches(word.lower(), list(by_lower), n=1, cutoff=0.6)
    return f"; did you mean {by_lower[close[0]]!r}?" if close else ""


def read_document(doc: dict[str, Any], source: str) -> tuple[Mapping | None, list[str]]:
    """Return the mapping of a parsed page, or None and all its faults."""
    faults = [
        f"unknown key {key!r}{nearest(key, TOP_KEYS)} (keys: {', '.join(TOP_KEYS)})"
        for key in doc
        if key not in TOP_KEYS
    ]
    parts: dict[str, Any] = {"source": source}
    for key in TEXTS:
        if key in doc:
            parts[key] = _value(doc[key], str, key, faults)
    for key, rule in SECTIONS.items():
        if key in doc or key in ("time", "kind", "columns"):
            parts[key] = _section(doc.get(key), rule, key, faults)
    for key in TABLES:
        parts[key] = _value(doc.get(key, {}), dict, key, faults)
    parts["refuse"] = _refusals(doc.get("refuse", []), faults)
    if "name" not in doc:
        faults.append("the key 'name' is missing: give the mapping a short name, it goes into ids")
    return (None, faults) if faults else (Mapping(**parts), [])


def _refusals(given: Any, faults: list[str]) -> tuple[Refusal, ...]:
    if not isinstance(given, list):
        faults.append("'refuse' must be a list of tables; write [[refuse]] with two brackets")
        return ()
    return tuple(_section(row, Refusal, f"refuse[{n}]", faults) for n, row in enumerate(given, 1))


def _section(given: Any, rule: type, where: str, faults: list[str]) -> Any:
    """Build `rule` from a table, adding what is wrong with it to `faults`."""
    if given is None:
        faults.append(f"the section [{where}] is missing")
        return None
    if not isinstance(given, dict):
        faults.append(f"{where!r} must be a table; write [{where}]")
        return None
    hints = get_type_hints(rule)
    for key in given:
        if key not in hints:
            faults.append(
                f"unknown key '{where}.{key}'{nearest(key, hints)} (keys: {', '.join(hints)})"
            )
    required = {
        f.name for f in fields(rule) if f.default is MISSING and f.default_factory is MISSING
    }
    absent = sorted(required - set(given))
    faults.extend(f"the key '{where}.{key}' is missing" for key in absent)
    values = {
        key: _value(value, hints[key], f"{where}.{key}", faults)
        for key, value in given.items()
        if key in hints
    }
    return None if absent else rule(**values)


def _value(given: Any, hint: Any, where: str, faults: list[str]) -> Any:
    wanted, read = _READERS[str(hint)]
    try:
        return read(given)
    except TypeError:
        faults.append(f"'{where}' is {given!r}; it must be {wanted}")
        return None


def _only(*types: type) -> Callable[[Any], Any]:
    def read(given: Any) -> Any:
        if not isinstance(given, types) or (isinstance(given, bool) and bool not in types):
            raise TypeError
        return given

    return read


def _texts(given: Any) -> tuple[str, ...]:
    texts = (given,) if isinstance(given, str) else given
    if not isinstance(texts, list | tuple) or not all(isinstance(t, str) for t in texts):
        raise TypeError
    return tuple(texts)


def _text_table(given: Any) -> dict[str, str]:
    if not isinstance(given, dict) or not all(isinstance(v, str) for v in given.values()):
        raise TypeError
    return dict(given)


def _instant(given: Any) -> datetime:
    if not isinstance(given, datetime) or given.tzinfo is None:
        raise TypeError
    return given


_TEXT = ("a text", _only(str))
_NUMBER = ("a number", _only(int, float))
_TEXT_TABLE = ('a table of texts such as { view = "item-view" }', _text_table)
_INSTANT = ("a time with an offset such as 2017-11-25T00:00:00+08:00", _instant)
_READERS: dict[str, tuple[str, Callable[[Any], Any]]] = {
    str(str): _TEXT,
    str(str | None): _TEXT,
    str(dict): _TEXT_TABLE,
    "collections.abc.Mapping[str, str]": _TEXT_TABLE,
    str(tuple[str, ...]): ("a text or a list of texts", _texts),
    str(bool): ("true or false", _only(bool)),
    str(float | None): _NUMBER,
    str(datetime | None): _INSTANT,
}
