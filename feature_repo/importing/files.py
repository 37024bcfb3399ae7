"""Which files an import reads: paths and globs made into a list, each file once, none missing."""

import glob
from collections.abc import Iterable
from pathlib import Path

from domain.errors import InvalidInput
from feature_repo.importing.mapping_toml import nearest


def expand(paths: Iterable[str]) -> list[Path]:
    """Return the files of `paths` in the order given, those of a glob by name; each file once."""
    found: dict[Path, Path] = {}
    for path in paths:
        for file in _files_of(str(path)):
            found.setdefault(file.resolve(), file)
    if not found:
        raise InvalidInput("no file to import; name at least one CSV or Parquet file")
    return list(found.values())


def _files_of(path: str) -> list[Path]:
    if Path(path).is_file():
        return [Path(path)]
    if Path(path).is_dir():
        raise InvalidInput(f"{path} is a folder; name its files, for example '{path}/*.csv'")
    if glob.has_magic(path):
        names = sorted(glob.glob(path, recursive=True))  # noqa: PTH207 (also absolute patterns)
        files = [Path(name) for name in names if Path(name).is_file()]
        if files:
            return files
        raise InvalidInput(f"no file matches {path!r} (seen from {Path.cwd()}); check the pattern")
    folder = Path(path).parent
    if not folder.is_dir():
        raise InvalidInput(f"there is no file {path}: the folder {folder} does not exist either")
    there = [p.name for p in folder.iterdir()]
    raise InvalidInput(
        f"there is no file {path} (seen from {Path.cwd()}){nearest(Path(path).name, there)}"
    )
