"""Whoever is erased while a long run is under way is taken out of what the run made of older data.

An erasure marks the person first and cleans the files then. A run writes its files first and looks
at the marks then, under the lock that erasures hold while they clean. So whichever comes last finds
what the other left.
"""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pyarrow.parquet as pq

from domain.settings import Settings
from feature_repo.backends import open_features, open_log
from feature_repo.erased_files import PROFILE, clean_profiles, profile_files
from feature_repo.lake import lake_lock
from feature_repo.log import Log


class LateErasures:
    """The erasures since a run began."""

    def __init__(self, settings: Settings, log: Log) -> None:
        self._settings, self._log = settings, log
        self._before = log.erasures()

    @contextmanager
    def settled(self, draft: Path | None = None) -> Iterator[None]:
        """Clean all files and a draft of a release; nobody is erased before this is left."""
        with lake_lock(self._settings.home):
            if self._log.erasures() != self._before:
                self._clean(draft)
            yield

    def _clean(self, draft: Path | None) -> None:
        home = self._settings.home
        tables = (pq.read_table(f, columns=[PROFILE]) for f in profile_files(home, draft))
        gone = sorted(self._log.erased_among({i for t in tables for i in t[PROFILE].to_pylist()}))
        if gone:
            with closing(open_features(self._settings)) as features:
                features.delete(gone)
            clean_profiles(home, gone, draft)


@contextmanager
def late_erasures(settings: Settings) -> Iterator[LateErasures]:
    """Run something long; at its end, also when it fails, nothing of it holds the erased."""
    with closing(open_log(settings)) as log:
        late = LateErasures(settings, log)
        try:
            yield late
        finally:
            with late.settled():
                pass
