"""The champion's gate: a challenger takes its place only on a difference that holds.

Both are compared on the same customers of the same test, as they were before that test: so neither
has seen it. On the same data a challenger must be better by more than chance. On newer data of the
same shop it must be no worse by MARGIN, since a champion grows old. On other data nothing is told.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from domain.errors import Conflict, NextbestError
from training.answers import Answers
from training.bootstrap import Estimate
from training.tracking import Champion

MARGIN = 0.03  # of the champion's own figure
COMPARED, LOW, HIGH = "compared.version", "compared.gain_low", "compared.gain_high"


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a model becomes the champion, why, and what the registry keeps of it."""

    promoted: bool
    reason: str
    tags: Mapping[str, str] = field(default_factory=dict)


def judge(
    champion: Champion | None,
    answers: Answers | None,
    metric: str,
    retake: Callable[[Champion], Answers] | None,
    tags: Mapping[str, str],
) -> Verdict:
    """Hold a model that passed its own gate against the champion.

    Args:
        answers: of the challenger; None when it could not be tested.
        retake: gives the answers of the champion on the challenger's rows, or raises.
        tags: the lineage of the challenger.
    """
    if champion is None:
        return Verdict(True, "")
    stands = f"version {champion.version} stays the champion"
    if answers is None:
        if champion.tags.get("tested") == "true":
            return Verdict(False, f"the tested {stands}")
        return Verdict(True, "")
    if champion.tags.get("tested") != "true":
        return Verdict(True, f"version {champion.version}, the champion so far, was never tested")
    if tags.get("leaks"):
        return Verdict(
            False,
            f"it learned from {tags['leaks']}, which seems to know the outcome: promote it by hand "
            f"if that was known before; {stands}",
        )
    if tags.get("label", "") != champion.tags.get("label", ""):
        return Verdict(
            False,
            f"it answers another question than version {champion.version} "
            f"({champion.tags.get('label')}): give the new one a recipe of its own name; {stands}",
        )
    try:
        theirs = _answers_of(champion, answers, retake)
    except NextbestError as fault:
        return Verdict(False, f"{fault.message}; {stands}")
    gain = answers.gain(metric, theirs)
    newer = tags.get("data.last_at", "") > champion.tags.get("data.last_at", "")
    margin = MARGIN * abs(theirs.of(metric)) if newer else 0.0
    found = _decide(metric, gain, margin, answers.customers, champion.version)
    kept = {COMPARED: champion.version, LOW: repr(gain.low), HIGH: repr(gain.high)}
    return Verdict(found.promoted, found.reason, kept)


def _answers_of(
    champion: Champion, answers: Answers, retake: Callable[[Champion], Answers] | None
) -> Answers:
    stored = Answers.load(champion.folder)
    if stored is not None and stored.fingerprint == answers.fingerprint:
        return stored
    if retake is None:
        raise Conflict(
            f"it was tested on other rows than version {champion.version}, so nothing can be told "
            "between them; train on the same file, or, if the data were replaced on purpose, "
            "`nextbest promote` with --other-data"
        )
    return retake(champion)


def _decide(metric: str, gain: Estimate, margin: float, customers: int, version: str) -> Verdict:
    said = f"{metric} gain {gain} on the same {customers} customers"
    if gain.low > 0:
        return Verdict(True, f"it beats the champion, version {version}: {said}")
    if margin and gain.low > -margin:
        return Verdict(
            True,
            f"it learned from newer data than version {version} and is no worse by {MARGIN:.0%}: "
            f"{said}",
        )
    if gain.high < 0:
        return Verdict(False, f"it is worse than the champion, version {version}: {said}")
    return Verdict(
        False, f"it does not clearly beat the champion, version {version}, which stays: {said}"
    )
