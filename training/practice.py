"""A small demo shop to practise on, in a folder of its own: a notebook needs no set-up."""

import shutil
import tempfile
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from domain.settings import Settings
from feature_repo.backends import open_features, open_log
from feature_repo.demo_shop import generate
from feature_repo.lake import export
from feature_repo.stream import load_states

NOW = datetime(2026, 6, 1, tzinfo=UTC)  # where its history ends, so that every run shows the same
_READY = "ready"


def practice_shop(customers: int = 800, items: int = 120, seed: int = 7) -> Settings:
    """Return the settings of a demo shop with its events, lake and states.

    It lies in the temporary folder of the machine; what was made once is found again.
    """
    home = Path(tempfile.gettempdir()) / f"nextbest-practice-{customers}-{items}-{seed}"
    settings = replace(Settings(), home=home, seed=seed)
    if not (home / _READY).exists():
        shutil.rmtree(home, ignore_errors=True)  # of a run that was cut off
        shop = generate(seed=seed, customers=customers, items=items, end=NOW)
        with closing(open_log(settings)) as log, closing(open_features(settings)) as features:
            log.append(shop.events, shop.items)
            export(log, home)
            load_states(log, features, home)
        (home / _READY).touch()
    return settings
