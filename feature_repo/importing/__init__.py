"""Importing turns any CSV or Parquet export into events and items, and accounts for every row."""

from feature_repo.importing.importer import import_files
from feature_repo.importing.mapping import Mapping, builtin_mappings, load_mapping
from feature_repo.importing.report import Example, ImportReport, Refused

__all__ = [
    "Example",
    "ImportReport",
    "Mapping",
    "Refused",
    "builtin_mappings",
    "import_files",
    "load_mapping",
]
