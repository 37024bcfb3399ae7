import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

ROOT = Path(__file__).parents[2]


def run(*words):
    command = [sys.executable, str(ROOT / "bench" / "recommenders.py"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
def test_all_rows_are_printed_and_the_tuned_beat_popularity(given_folder):
    done = run("--data", given_folder, "--protocol", "given", "--trials", 2)
    assert done.returncode == 0, done.stderr
    rows = {
        cells[1].strip(): float(cells[2].split()[0])
        for cells in (line.split("|") for line in done.stdout.splitlines())
        if len(cells) > 8 and cells[2].strip()[:2] in ("0.", "1.")
    }
    assert {"popular", "implicit als", "implicit als, tuned", "implicit bm25, tuned"} <= set(rows)
    assert rows["implicit als, tuned"] > rows["popular"] + 0.2


def test_wrong_words_are_refused_with_the_cure(given_folder, tmp_path):
    done = run("--data", given_folder, "--protocol", "given", "--models", "magic")
    assert done.returncode == 2 and "unknown magic; known: popular" in done.stderr
    pd.DataFrame({"a": [1], "b": [2]}).to_parquet(tmp_path / "x.parquet")
    done = run("--data", tmp_path, "--protocol", "time")
    assert done.returncode == 2 and "name it with --user" in done.stderr
