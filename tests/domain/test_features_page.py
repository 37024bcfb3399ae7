"""Undocumented means red: every feature stands in docs/features.md with its meaning."""

import re
from pathlib import Path

from domain.features import FEATURES

PAGE = Path(__file__).parents[2] / "docs" / "features.md"
ROW = re.compile(r"^\| `(\w+)` \| (\w+) \| (.+) \|$", re.MULTILINE)


def test_every_feature_is_on_the_page_with_its_type_and_meaning_and_no_other():
    told = ROW.findall(PAGE.read_text(encoding="utf-8"))
    assert told == [(f.name, f.type, f.meaning) for f in FEATURES]
