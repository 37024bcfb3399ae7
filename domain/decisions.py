"""The next best action has the highest expected value; silence wins if none is above 0."""

from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime, timedelta

from domain.actions import Action
from domain.errors import InvalidInput

FEW_SHOWINGS = 30  # below this, an estimate rests mostly on what was expected beforehand


@dataclass(frozen=True, slots=True)
class Candidate:
    """One action a customer is eligible for, with the probability that it is accepted.

    `p_low` and `p_high` bound `p_accept` at 80 %; `shown` is how many showings stand behind it.
    """

    action: Action
    p_accept: float
    p_low: float
    p_high: float
    shown: int

    def __post_init__(self) -> None:
        """Check that the probabilities are in order."""
        if not 0 <= self.p_low <= self.p_accept <= self.p_high <= 1:
            raise InvalidInput(
                f"action {self.action.key!r}: probabilities {self.p_low}, {self.p_accept}, "
                f"{self.p_high} must rise within 0 to 1 (low, expected, high)"
            )
        if self.shown < 0:
            raise InvalidInput(f"action {self.action.key!r}: shown {self.shown} must be 0 or more")

    @property
    def expected_value(self) -> float:
        """Money that one showing is expected to bring: p_accept x value - cost."""
        return self.p_accept * self.action.value - self.action.cost


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why one action is not open to a customer: a code for machines, a sentence for people."""

    action: str  # its key
    code: str  # no_consent, disabled, channel_closed, not_in_segment or cooling_down
    sentence: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, or silence (`chosen` is None), and everything that was weighed for it.

    `alternatives` are the candidates that were not chosen, best first.
    """

    chosen: Candidate | None
    alternatives: tuple[Candidate, ...]
    reasons: tuple[str, ...]
    refused: tuple[Refusal, ...] = ()


def eligible(
    action: Action,
    *,
    segments: AbstractSet[str],
    consent: Mapping[str, bool],
    last_shown: Mapping[str, datetime],
    channels: AbstractSet[str] | None,
    as_of: datetime,
) -> Refusal | None:
    """Return why `action` is not open to the customer at `as_of`, or None if it is.

    Consent comes first: what a person has not agreed to is refused for that reason alone. A
    purpose that was never answered is not granted. `last_shown` is by action key; `channels` None
    means that every channel is open.
    """
    if action.consent_purpose and not consent.get(action.consent_purpose, False):
        return _refusal(action, "no_consent", f"no consent to {action.consent_purpose}")
    if not action.enabled:
        return _refusal(action, "disabled", "switched off in the action catalogue")
    if channels is not None and action.channel not in channels:
        return _refusal(
            action, "channel_closed", f"the channel {action.channel!r} is not open here"
        )
    if action.segment and action.segment not in segments:
        return _refusal(action, "not_in_segment", f"not in the segment {action.segment!r}")
    return _cooling_down(action, last_shown.get(action.key), as_of)


def decide(candidates: Iterable[Candidate], refused: Iterable[Refusal] = ()) -> Decision:
    """Choose the candidate with the highest expected value, or silence if none is above 0.

    Between equals the higher priority wins, then the key; so the answer is always the same.
    """
    ranked = sorted(candidates, key=_rank)
    refusals = tuple(refused)
    if not ranked or ranked[0].expected_value <= 0:
        return Decision(None, tuple(ranked), (_silence(ranked, refusals),), refusals)
    best, others = ranked[0], tuple(ranked[1:])
    return Decision(best, others, _reasons(best, others), refusals)


def _rank(candidate: Candidate) -> tuple[float, int, str]:
    return -candidate.expected_value, -candidate.action.priority, candidate.action.key


def _refusal(action: Action, code: str, why: str) -> Refusal:
    return Refusal(action.key, code, f"{action.title}: {why}")


def _cooling_down(action: Action, last: datetime | None, as_of: datetime) -> Refusal | None:
    if last is None:
        return None
    free_at = last + timedelta(days=action.cool_down_days)
    if as_of >= free_at:
        return None
    return _refusal(
        action,
        "cooling_down",
        f"shown {last:%Y-%m-%d %H:%M}, rests {action.cool_down_days:g} days "
        f"until {free_at:%Y-%m-%d %H:%M}",
    )


def _silence(ranked: list[Candidate], refused: tuple[Refusal, ...]) -> str:
    if ranked:
        best = ranked[0]
        return (
            f"silence: the best action, {best.action.key!r}, is expected to bring "
            f"{best.expected_value:.2f}, not more than saying nothing"
        )
    return f"silence: no action is open to this customer ({len(refused)} refused)"


def _reasons(best: Candidate, others: tuple[Candidate, ...]) -> tuple[str, ...]:
    found = [
        f"{best.action.key!r} is expected to bring {best.expected_value:.2f}: "
        f"{best.p_accept:.1%} accept x {best.action.value:.2f} - {best.action.cost:.2f}"
    ]
    if others:
        second = others[0]
        found.append(f"the next best, {second.action.key!r}, brings {second.expected_value:.2f}")
    if best.shown < FEW_SHOWINGS:
        found.append(f"shown {best.shown} times so far, so mostly an expectation")
    if best.p_low * best.action.value <= best.action.cost:
        found.append("not certain: at the low end of the estimate it brings nothing")
    return tuple(found)
