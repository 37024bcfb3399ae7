"""The words of the demo shop: what it sells, and who its customers are."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The parsed word lists; rows are plain mappings as they stand in vocabulary.toml."""

    categories: tuple[dict[str, Any], ...]  # name, brands, finishes, nouns
    sources: tuple[dict[str, Any], ...]  # name, share, keenness, channel
    countries: tuple[dict[str, Any], ...]  # name, share, cities
    ad_campaigns: tuple[str, ...]
    first_names: dict[str, tuple[str, ...]]  # gender -> names
    last_names: tuple[str, ...]

    @property
    def brands(self) -> tuple[str, ...]:
        """All brands, each once, in the order in which the categories name them."""
        return tuple(dict.fromkeys(b for row in self.categories for b in row["brands"]))


@cache
def vocabulary() -> Vocabulary:
    """Return the words that ship with the demo shop."""
    text = Path(__file__).with_name("vocabulary.toml").read_text(encoding="utf-8")
    plain = tomllib.loads(text)
    return Vocabulary(
        categories=tuple(plain["category"]),
        sources=tuple(plain["sources"]),
        countries=tuple(plain["countries"]),
        ad_campaigns=tuple(plain["ad_campaigns"]),
        first_names={
            "female": tuple(plain["first_names_female"]),
            "male": tuple(plain["first_names_male"]),
        },
        last_names=tuple(plain["last_names"]),
    )
