"""Promotion by hand, and the way back: one command each, and the service follows.

What is promoted must not be clearly worse than the champion on the same customers; who calls says
why, and the registry and the card keep it. A rollback leads to the champion before.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from domain.errors import Conflict, InvalidInput, NotFound
from domain.settings import Settings
from training.answers import Answers
from training.card import add_history
from training.champion_gate import COMPARED, HIGH
from training.release import release
from training.tracking import BEFORE, ROLLBACK, Champion, Move, Tracker

PROMOTE = "promote"


@dataclass(frozen=True, slots=True)
class Moved:
    """Which version is the champion now, and the release that serves it, None before the first."""

    name: str
    before: str | None
    version: str
    reason: str
    release: Path | None

    def summary(self) -> str:
        """Return it in one sentence."""
        before = f", version {self.before} before" if self.before else ""
        said = f"released {self.release.name}" if self.release else "not served: no release yet"
        return f"{self.name} version {self.version} is the champion{before} ({self.reason}); {said}"


def promote(
    name: str,
    version: str | None,
    reason: str,
    settings: Settings,
    *,
    as_of: Callable[[], datetime],
    at: datetime,
    other_data: bool = False,
) -> Moved:
    """Make a version (None: the newest) the champion, and release it as of `as_of`.

    `other_data` says that the data were replaced on purpose, so that nothing can be compared.
    """
    if not reason.strip():
        raise InvalidInput("say why with --reason TEXT; it stays in the registry and on the card")
    tracker = Tracker.open(settings.home)
    wanted = tracker.version(name, version or tracker.versions(name)[-1])
    champion = tracker.champion(name)
    if champion is not None:
        _check(champion, wanted, other_data)
    return _move(tracker, champion, wanted, Move(at, PROMOTE, reason), settings, as_of)


def rollback(
    name: str, reason: str, settings: Settings, *, as_of: Callable[[], datetime], at: datetime
) -> Moved:
    """Make the champion before the champion again, and release it as of `as_of`."""
    tracker = Tracker.open(settings.home)
    tracker.versions(name)
    champion = tracker.champion(name)
    before = champion.tags.get(BEFORE) if champion else None
    if champion is None or not before:
        stands = f"version {champion.version} is its first" if champion else "it has none now"
        raise NotFound(
            f"{name} has no champion before: {stands}; `nextbest promote {name} VERSION` takes any"
        )
    said = f"rolled back from version {champion.version}" + (f": {reason}" if reason else "")
    wanted = tracker.version(name, before)
    return _move(tracker, champion, wanted, Move(at, ROLLBACK, said), settings, as_of)


def _check(champion: Champion, wanted: Champion, other_data: bool) -> None:
    """Refuse what is champion already, what is worse, and what was never held against it."""
    name, version, stands = wanted.name, wanted.version, champion.version
    if version == stands:
        raise Conflict(f"version {version} of {name} is the champion already; name another one")
    if other_data or champion.tags.get("tested") != "true":
        return
    best = _best_gain(champion, wanted)
    if best is None:
        raise Conflict(
            f"versions {version} and {stands} of {name} were not tested on the same rows; train "
            f"again to have a version compared with {stands}, `nextbest rollback {name}` for the "
            "champion before, or say with --other-data that the data were replaced on purpose"
        )
    if best < 0:
        raise Conflict(
            f"version {version} of {name} is worse than the champion, version {stands}, on the "
            f"same customers ({wanted.tags.get('metric')} gain at most {best:.4g}); a worse model "
            "does not replace it"
        )


def _best_gain(champion: Champion, wanted: Champion) -> float | None:
    """Return the upper end of how much better a version is than the champion, None: unknown."""
    ours, theirs = Answers.load(wanted.folder), Answers.load(champion.folder)
    if ours and theirs and ours.fingerprint == theirs.fingerprint:
        return ours.gain(wanted.tags["metric"], theirs).high
    if wanted.tags.get(COMPARED) == champion.version:
        return float(wanted.tags[HIGH])
    return None


def _move(
    tracker: Tracker,
    champion: Champion | None,
    wanted: Champion,
    move: Move,
    settings: Settings,
    as_of: Callable[[], datetime],
) -> Moved:
    """Move the alias and write a release; where that fails, all is as it was."""
    name = wanted.name
    with tracker.trying(name):
        tracker.promote(name, wanted.version, move)
        served = (settings.home / "releases" / "current").exists()
        folder = release(settings, as_of(), at=move.at) if served else None
    add_history(wanted.folder, f"{move.at:%Y-%m-%d %H:%M} UTC, {move.by}: {move.reason}")
    before = champion.version if champion else None
    return Moved(name, before, wanted.version, move.reason, folder)
