import gzip
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parents[2] / "bench"))  # scripts, not a package


@pytest.fixture(scope="session")
def acts():
    """300 users of 10 tastes and 120 items in order of time: (user, item, second)."""
    rng = np.random.default_rng(3)
    rows = []
    for user in range(300):
        own = 12 * (user % 10) + rng.permutation(12)[:8]
        strange = rng.integers(0, 120, 2)
        for item in dict.fromkeys([*strange.tolist(), *own.tolist()]):
            rows.append((f"u{user}", f"i{item}", 1_600_000_000 + int(rng.integers(0, 8_000_000))))
    return sorted(rows, key=lambda row: row[2])


@pytest.fixture(scope="session")
def given_folder(acts, tmp_path_factory):
    folder = tmp_path_factory.mktemp("given")
    train, test = {}, {}
    for n, (user, item, _) in enumerate(acts):
        (test if n % 5 == 0 else train).setdefault(user, []).append(item)
    for name, part in (("train", train), ("test", test)):
        text = "\n".join(" ".join([user, *items]) for user, items in part.items())
        if name == "train":
            (folder / "train.txt").write_text(text)
        else:
            (folder / "test.txt.gz").write_bytes(gzip.compress(text.encode()))
    return folder
