"""Any file of interactions, read as three columns: who, what and, where the file says it, when."""

import csv
import gzip
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from domain.errors import InvalidInput

NAMES = {
    "user": "user userid uid customer customerid visitor visitorid reviewerid member memberid "
    "client clientid buyer buyerid account accountid person personid profileid session sessionid",
    "item": "item itemid iid product productid productcode stockcode sku asin parentasin movie "
    "movieid article articleid book bookid isbn song songid track trackid artist artistid business "
    "businessid poi poiid venue venueid location locationid goods goodsid content contentid game "
    "gameid app appid recipe recipeid news newsid",
    "time": "time timestamp ts unixtime unixreviewtime datetime date invoicedate eventtime "
    "eventdate createdat created reviewtime ratedat orderdate seq sequence order position",
}
SEPARATORS = "\t,;|"
_SAMPLE = 200  # lines looked at before the way of a text file is decided
_CLOCKS = ((1e17, 1e-3), (1e14, 1.0), (1e11, 1e3), (1e8, 1e6))  # at least; to microseconds


@dataclass(frozen=True)
class Wanted:
    """Columns named by the caller (a name, or a position where the file has no names)."""

    user: str | None = None
    item: str | None = None
    time: str | None = None
    where: str | None = None  # COLUMN=VALUE: only such rows


@dataclass(frozen=True, eq=False)
class Log:
    """One row per act in file order: ids as text; times (n,) or None.

    `clock`: the times are microseconds since 1970 UTC; else they only give an order.
    """

    users: np.ndarray
    items: np.ndarray
    times: np.ndarray | None
    clock: bool
    notes: tuple[str, ...] = ()


def read_log(path: Path, wanted: Wanted) -> Log:
    """Read a file, or all files of a folder that hold users and items in the same columns."""
    if not path.exists():
        raise InvalidInput(f"--data: there is no file or folder {path}")
    if path.is_file():
        return _cleaned(_read(path, wanted), wanted)
    frames, refused = [], []
    for file in sorted(p for p in path.iterdir() if p.is_file() and not _is_prose(p)):
        try:
            frames.append(_read(file, wanted))
        except InvalidInput as why:
            refused.append(f"{file.name}: {why.message}")
    if not frames:
        raise InvalidInput(
            f"--data: no file in {path} holds users and items; "
            + "; ".join(refused or ["it is empty"])
        )
    if len({tuple(frame.columns) for frame in frames}) > 1:
        raise InvalidInput(f"--data: the files in {path} have different columns; name one file")
    log = _cleaned(pd.concat(frames, ignore_index=True), wanted)
    return replace(log, notes=(f"{len(frames)} file(s) of the folder read", *log.notes))


def read_lists(path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Read `user item item ...` lines as two columns of ids, in file order."""
    return _lists([line.split() for line in text_of(path).splitlines()], path)


def text_of(path: Path) -> str:
    """Return the text of a file, gzip or not (told by its content, not by its name)."""
    raw = path.read_bytes()
    if raw[:2] == b"\x1f\x8b":
        try:
            raw = gzip.decompress(raw)
        except (OSError, EOFError) as broken:
            raise InvalidInput(
                f"{path} is a damaged gzip file ({broken}); copy it again"
            ) from broken
    if b"\x00" in raw[:4096]:
        raise InvalidInput(f"{path} is neither text nor Parquet; give txt, csv, tsv or parquet")
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _is_prose(path: Path) -> bool:
    return path.name.startswith(".") or path.suffix.lower() == ".md" or "README" in path.name


def _lists(lines: Sequence[list[str]], path: Path) -> tuple[np.ndarray, np.ndarray]:
    lines = [words for words in lines if words]
    counts = np.array([len(words) - 1 for words in lines], dtype=np.int64)
    users = np.repeat(np.array([words[0] for words in lines], dtype=np.str_), counts)
    items = np.array([word for words in lines for word in words[1:]], dtype=np.str_)
    if not len(items):
        raise InvalidInput(f"{path} holds no interaction; each line is: user item item ...")
    return users, items


def _read(path: Path, wanted: Wanted) -> pd.DataFrame:
    """Return the columns user, item and, where there is one, time, as they stand in the file."""
    with path.open("rb") as file:
        magic = file.read(4)
    if magic == b"PAR1":
        names = pq.read_schema(path).names
        roles = _roles(names, wanted, path)
        columns = list(dict.fromkeys([*roles.values(), *_filtered_by(wanted)]))
        return _chosen(pd.read_parquet(path, columns=columns), roles, wanted, path)
    text = text_of(path)
    sample = [line for line in text[: 400 * _SAMPLE].splitlines()[:_SAMPLE] if line.strip()]
    if not sample:
        raise InvalidInput(f"{path} is empty")
    separator = _separator(sample)
    if separator is None and not _named(sample[0].split(), wanted):
        return _words(text, path)
    return _table(text, sample, separator, wanted, path)


def _separator(sample: list[str]) -> str | None:
    """Return what stands between the fields of every line; None for blanks."""
    if all("::" in line for line in sample):
        return "::"
    for separator in SEPARATORS:
        widths = {len(row) for row in csv.reader(sample[:-1] or sample, delimiter=separator)}
        if len(widths) == 1 and widths != {1}:
            return separator
    return None


def _words(text: str, path: Path) -> pd.DataFrame:
    """Read words between blanks: a user with all items a line, or user item [rating] [time]."""
    lines = [words for line in text.splitlines() if (words := line.split())]
    widths = {len(words) for words in lines}
    repeated = len({words[0] for words in lines}) < 0.7 * len(lines)
    if widths <= {3, 4} and len(widths) == 1 and repeated:
        frame = pd.DataFrame(lines)
        return _chosen(frame, _by_position(frame), Wanted(), path)
    users, items = _lists(lines, path)
    return pd.DataFrame({"user": users, "item": items})


def _table(
    text: str, sample: list[str], separator: str | None, wanted: Wanted, path: Path
) -> pd.DataFrame:
    if separator == "::":
        text, separator = text.replace("::", "\t"), "\t"
        sample = [line.replace("::", "\t") for line in sample]
    first = (
        sample[0].split() if separator is None else next(csv.reader(sample, delimiter=separator))
    )
    header = _named(first, wanted) or not any(_is_number(field) for field in first)
    try:
        frame = pd.read_csv(
            io.StringIO(text),
            sep=separator or r"\s+",
            header=0 if header else None,
            dtype=str,
            index_col=False,
        )
    except (pd.errors.ParserError, ValueError) as broken:
        raise InvalidInput(f"{path} cannot be read as a table: {broken}") from broken
    if header:
        return _chosen(frame, _roles(list(frame.columns), wanted, path), wanted, path)
    frame.columns = [str(at) for at in range(frame.shape[1])]
    roles = _by_position(frame) | _roles(list(frame.columns), wanted, path, guess=False)
    return _chosen(frame, roles, wanted, path)


def _by_position(frame: pd.DataFrame) -> dict[str, str]:
    """Return user, item and time of a table without names: the time is a late column of clocks."""
    columns = list(frame.columns)
    roles = dict(zip(("user", "item"), columns, strict=False))
    for column in columns[2:]:
        values = pd.to_numeric(frame[column].head(100), errors="coerce")
        if values.notna().all() and values.median() >= _CLOCKS[-1][0]:
            roles["time"] = column
    return roles


def _named(fields: list[str], wanted: Wanted) -> bool:
    plain = {_plain(field) for field in fields}
    asked = {name for name in (wanted.user, wanted.item, wanted.time) if name}
    return bool(asked & set(fields)) or all(
        plain & set(NAMES[role].split()) for role in ("user", "item")
    )


def _plain(name: object) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name).lower().split(":")[0])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _roles(names: list[str], wanted: Wanted, path: Path, guess: bool = True) -> dict[str, str]:
    roles = {}
    for role in ("user", "item", "time"):
        asked = getattr(wanted, role)
        if asked is not None and asked not in names:
            raise InvalidInput(
                f"--{role}: {path.name} has no column {asked!r}; it has {', '.join(names)}"
            )
        found = asked or (_guess(names, role) if guess else None)
        if found is None and role != "time" and guess:
            raise InvalidInput(
                f"{path.name}: which column is the {role}? It has {', '.join(names)}; "
                f"name it with --{role}",
            )
        if found is not None:
            roles[role] = found
    return roles


def _guess(names: list[str], role: str) -> str | None:
    plain = {_plain(name): name for name in reversed(names)}
    return next((plain[known] for known in NAMES[role].split() if known in plain), None)


def _filtered_by(wanted: Wanted) -> list[str]:
    return [] if wanted.where is None else [wanted.where.partition("=")[0]]


def _chosen(frame: pd.DataFrame, roles: dict[str, str], wanted: Wanted, path: Path) -> pd.DataFrame:
    if wanted.where is not None:
        column, _, value = wanted.where.partition("=")
        if column not in frame:
            raise InvalidInput(f"--where: {path.name} has no column {column!r}")
        frame = frame[frame[column].astype(str) == value]
    if "item" not in roles:
        raise InvalidInput(f"{path.name} has one column; a user and an item are needed")
    return pd.DataFrame({role: frame[column] for role, column in roles.items()})


def _cleaned(frame: pd.DataFrame, wanted: Wanted) -> Log:
    notes = [f"only rows with {wanted.where}"] if wanted.where else []
    if "time" in frame:
        frame = frame.assign(time=_instants(frame["time"]))
    whole = frame.dropna()
    if len(whole) < len(frame):
        notes.append(f"{len(frame) - len(whole):,} rows with a gap left out")
    if whole.empty:
        raise InvalidInput("--data: no row has a user and an item (and a time, where named)")
    users, items = (_ids(whole[role]) for role in ("user", "item"))
    if "time" not in whole:
        return Log(users, items, None, False, tuple(notes))
    times = whole["time"].to_numpy(dtype=np.float64)
    scale = next((factor for least, factor in _CLOCKS if np.median(times) >= least), None)
    return Log(users, items, times * (scale or 1.0), scale is not None, tuple(notes))


def _ids(column: pd.Series) -> np.ndarray:
    if column.dtype.kind == "f" and (column % 1 == 0).all():
        column = column.astype(np.int64)  # a gap in the file made whole numbers floats
    return column.astype(str).to_numpy(dtype=np.str_)


def _instants(column: pd.Series) -> pd.Series:
    """Return numbers as they are, text and dates as microseconds since 1970 UTC; NaN for gaps."""
    if column.dtype.kind in "iuf" or str(column.dtype) in ("Int16", "Int32", "Int64"):
        return column.astype("float64")
    if column.dtype == object:
        numbers = pd.to_numeric(column, errors="coerce")
        if numbers.notna().sum() >= 0.5 * column.notna().sum():
            return numbers
    try:
        when = pd.to_datetime(column, utc=True)
    except (ValueError, TypeError):
        when = pd.to_datetime(column, utc=True, format="mixed", errors="coerce")
    micros = when.to_numpy(dtype="datetime64[us]").astype("int64").astype("float64")
    return pd.Series(np.where(when.isna(), np.nan, micros), index=column.index)
