"""A gate lets a model out only when it beats every simple baseline by more than chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from training.bootstrap import Estimate


@dataclass(frozen=True, slots=True)
class Gate:
    """The verdict and the sentence that explains it."""

    passed: bool
    reason: str


def decide(metric: str, score: Estimate, gains: Mapping[str, Estimate]) -> Gate:
    """Pass when the lower end of the paired gain is above 0 for every baseline.

    `gains` maps each baseline to how much better the model is than it, on the same resamples.
    """
    baseline, gain = min(gains.items(), key=lambda pair: pair[1].low)
    if gain.low > 0:
        return Gate(True, f"{metric} {score} beats {baseline!r}, the nearest baseline, by {gain}")
    if gain.value <= 0:
        return Gate(False, f"{metric} {score} does not beat the baseline {baseline!r}: gain {gain}")
    return Gate(
        False,
        f"{metric} {score} does not clearly beat the baseline {baseline!r}: the gain {gain} may be "
        "chance; more customers or more history would tell",
    )


def leaking(columns: Sequence[str]) -> Gate:
    """Keep in what learned from columns that were known only after the cut-off."""
    named = ", ".join(repr(name) for name in columns)
    return Gate(
        False,
        f"leak: {named} changes when the events after the cut-off are taken away, so it knows what "
        "came later; make it of events before the cut-off only, and train again",
    )


def untested(reason: str) -> Gate:
    """Let a model out that cannot be tested yet; its scores are marked as of low reliability."""
    return Gate(True, f"not tested: {reason}")
