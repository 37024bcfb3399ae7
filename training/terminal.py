"""What commands write to: the terminal, and rows as a table."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console
from rich.table import Table

out = Console(highlight=False)


def print_rows(rows: Iterable[dict[str, Any]]) -> None:
    """Print rows that have the same keys as a table; none print nothing."""
    found = list(rows)
    if not found:
        return
    table = Table(*found[0], box=None, pad_edge=False)
    for row in found:
        table.add_row(*(str(value) for value in row.values()))
    out.print(table)
