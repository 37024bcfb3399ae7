"""Bad input as a new user would give it: one clear sentence, exit code 2, the store as it was."""

import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import nextbest

MAPPING = """
name = "orders"
about = "Ten small orders."
[time]
column = "time"
format = "iso"
zone = "UTC"
[kind]
always = "purchase"
[columns]
customer = "customer"
item = "item"
order = "order"
quantity = "n"
unit_price = "price"
"""
HEADER = "customer,item,time,n,price,order\n"
ROWS = [f"c{n},i{n % 3},2024-01-{n + 10:02d}T10:00:00Z,1,2.5,o{n}\n" for n in range(10)]
GOOD = HEADER + "".join(ROWS)


def in_a_process(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a command as a person does."""
    return subprocess.run(
        [sys.executable, "-m", "nextbest", *words],
        env=os.environ | {"NEXTBEST_HOME": str(home), "COLUMNS": "300"},
        capture_output=True,
        text=True,
        timeout=300,
    )


@pytest.fixture
def command(monkeypatch, capfd):
    """Run commands by the same front door, without the seconds that a process takes to start."""

    def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
        monkeypatch.setenv("NEXTBEST_HOME", str(home))
        monkeypatch.setenv("COLUMNS", "300")
        monkeypatch.setattr(sys, "argv", ["nextbest", *words])
        with pytest.raises(SystemExit) as ended:
            nextbest.main()
        return subprocess.CompletedProcess(words, ended.value.code or 0, *capfd.readouterr())

    return run


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    """A folder with a mapping, and a home that ten good orders were imported into."""
    folder = tmp_path_factory.mktemp("bad")
    (folder / "map.toml").write_text(MAPPING)
    (folder / "good.csv").write_text(GOOD)
    done = in_a_process(
        folder / "home", "import", f"{folder}/good.csv", "--mapping", f"{folder}/map.toml"
    )
    assert done.returncode == 0, done.stderr
    return folder


def held(home: Path) -> list[list[tuple]]:
    """Everything that the log holds."""
    with sqlite3.connect(home / "log" / "events.sqlite") as db:
        return [db.execute(f"SELECT * FROM {t} ORDER BY 1").fetchall() for t in ("events", "items")]


CASES = {  # what the file holds, what the mapping is, what the sentence must say
    "empty file": (b"", MAPPING, "empty"),
    "wrong encoding": (GOOD.replace("c1,", "Zo\xeb,").encode("latin-1"), MAPPING, "latin-1"),
    "missing column": (GOOD.replace("price", "cost", 1).encode(), MAPPING, "'price'"),
    "two time formats": (
        (HEADER + "".join(r.replace("2024-01-", "31/01/2024 ") if i % 2 else r
                          for i, r in enumerate(ROWS))).encode(),
        MAPPING,
        "time",
    ),
    "negative prices": (GOOD.replace("2.5", "-2.5").encode(), MAPPING, "price"),
    "a mapping with a typo": (GOOD.encode(), MAPPING.replace("unit_p", "unit_q"), "unit_q"),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_a_bad_import_says_what_is_wrong_and_changes_nothing(shop, command, case):
    content, mapping, named = CASES[case]
    (shop / "given.csv").write_bytes(content)
    (shop / "given.toml").write_text(mapping)
    before = held(shop / "home")
    done = command(shop / "home", "import", f"{shop}/given.csv", "--mapping", f"{shop}/given.toml")
    assert done.returncode == 2, done.stdout
    assert done.stderr.startswith("error ")
    assert named in done.stderr
    assert "Traceback" not in done.stderr
    assert held(shop / "home") == before


@pytest.mark.slow
def test_training_on_ten_customers_is_refused_with_the_cure(shop, command):
    home = shop / "home"
    assert command(home, "build").returncode == 0
    before = held(home)
    done = in_a_process(home, "train", "churn")
    assert done.returncode == 2
    assert done.stderr.startswith("error ")
    assert "Traceback" not in done.stderr
    assert held(home) == before


def test_an_unknown_recipe_names_the_known_ones(shop, command):
    done = command(shop / "home", "train", "churm")
    assert done.returncode == 2
    assert "churn" in done.stderr


def test_a_setting_that_does_not_fit_is_named(shop):
    done = subprocess.run(
        [sys.executable, "-m", "nextbest", "settings"],
        env=os.environ | {"NEXTBEST_PORT": "many"},
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 2
    assert "NEXTBEST_PORT" in done.stderr


def test_importing_the_same_file_twice_changes_nothing(shop, command):
    before = held(shop / "home")
    done = command(shop / "home", "import", f"{shop}/good.csv", "--mapping", f"{shop}/map.toml")
    assert done.returncode == 0
    assert held(shop / "home") == before
