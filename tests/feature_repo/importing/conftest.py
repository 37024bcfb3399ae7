"""A small shop export to import, and where the real data sets lie if they are there."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from feature_repo.event_log import EventLog
from feature_repo.importing.mapping import parse_mapping

SHOP = """
name = "shop"
[time]
column = "when"
format = "iso"
zone = "Europe/London"
[kind]
always = "purchase"
[columns]
customer = "who"
item = "what"
order = "order"
quantity = "pieces"
unit_price = "price"
[money]
currency = "GBP"
zero_price = "refuse"
[returns]
column = "order"
matches = "C.*"
[item]
title = "title"
[traits]
country = "country"
[[refuse]]
reason = "service line, not a product"
column = "what"
matches = ["POST", "M"]
"""

LOG = """
name = "clicks"
[time]
column = "ts"
format = "unix"
[kind]
column = "type"
values = { pv = "item-view", buy = "purchase" }
[columns]
customer = "user"
item = "item"
[properties]
page = "page"
"""

HEADER = "order,who,what,title,pieces,price,when,country"


@pytest.fixture
def log(tmp_path):
    opened = EventLog(tmp_path / "home")
    yield opened
    opened.close()


@pytest.fixture
def write(tmp_path) -> Callable[..., str]:
    def write_file(name: str, *rows: str, header: str = HEADER) -> str:
        path = tmp_path / name
        path.write_text("\n".join([header, *rows]) + "\n", encoding="utf-8")
        return str(path)

    return write_file


@pytest.fixture
def shop():
    return parse_mapping(SHOP, "shop.toml")


@pytest.fixture
def clicks():
    return parse_mapping(LOG, "clicks.toml")


@pytest.fixture
def real_data() -> Callable[[str], Path]:
    root = Path(os.environ.get("NEXTBEST_SHARED_DATA", "../shared/data"))
    if not root.is_absolute():
        root = Path(__file__).resolve().parents[3] / root

    def folder(name: str) -> Path:
        if not (root / name).is_dir():
            pytest.skip(f"the data set {name} is not there; set NEXTBEST_SHARED_DATA to its folder")
        return root / name

    return folder
