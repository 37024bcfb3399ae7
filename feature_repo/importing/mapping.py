"""`load_mapping` finds a mapping by its built-in name or its path, and checks all of it at once."""

import tomllib
from pathlib import Path

from domain.catalogue import Catalogue, builtin_catalogue
from domain.errors import InvalidMapping
from feature_repo.importing.mapping_checks import faults_of
from feature_repo.importing.mapping_toml import nearest, read_document
from feature_repo.importing.rules import Mapping

__all__ = ["Mapping", "builtin_mappings", "load_mapping", "parse_mapping"]

_BUILTIN = Path(__file__).with_name("mappings")


def builtin_mappings() -> dict[str, Path]:
    """Return the mappings that ship with Nextbest by name; each file also serves as an example."""
    return {path.stem: path for path in sorted(_BUILTIN.glob("*.toml"))}


def load_mapping(name_or_path: str, *, catalogue: Catalogue | None = None) -> Mapping:
    """Read a mapping by built-in name (`online_retail_ii`, `taobao`) or by path of a TOML file."""
    builtin = builtin_mappings()
    path = builtin.get(name_or_path) or Path(name_or_path)
    if not path.is_file():
        raise InvalidMapping(
            f"there is no mapping {name_or_path!r}{nearest(name_or_path, builtin)} "
            f"(built in: {', '.join(builtin)}; or give the path of a TOML file)"
        )
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as fault:
        raise InvalidMapping(f"{path}: a mapping must be saved as UTF-8 ({fault})") from fault
    source = path.name if name_or_path in builtin else str(path)
    return parse_mapping(text, source, catalogue=catalogue)


def parse_mapping(text: str, source: str, *, catalogue: Catalogue | None = None) -> Mapping:
    """Read a mapping from TOML; `source` names the file in messages. All faults are told together.

    Kinds must be in `catalogue` (the built-in one unless given).
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as fault:
        raise InvalidMapping(f"{source} is not valid TOML: {fault}") from fault
    mapping, faults = read_document(document, source)
    if mapping is not None:
        faults = faults_of(mapping, catalogue or builtin_catalogue())
    if mapping is None or faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        raise InvalidMapping("\n  - ".join([f"the mapping {source} has {count}:", *faults]))
    return mapping
