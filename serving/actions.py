"""The next best action for one person: consent first, then what is expected to bring most."""

import shutil
from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import domain.actions
from domain.actions import Action, parse_actions
from domain.catalogue import ACTION_SHOWN
from domain.decisions import Candidate, Decision, decide, eligible
from domain.events import Event
from domain.settings import Settings
from domain.strata import stratum_of
from models.response_rates import ResponseRates

ALWAYS = 1.0  # the choice has no chance in it, so it is made with probability 1


@dataclass(frozen=True, slots=True)
class Situation:
    """All that a decision looks at."""

    profile: Mapping[str, Any]  # attribute -> value
    consent: Mapping[str, bool]
    segments: AbstractSet[str]
    last_shown: Mapping[str, datetime]
    channels: AbstractSet[str] | None
    as_of: datetime


def actions_file(settings: Settings) -> Path:
    """Return the action catalogue to use; the one that ships is copied under home at first."""
    if settings.actions_file != Path():
        return settings.actions_file
    path = settings.home / "actions.toml"
    if not path.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(domain.actions.__file__).with_name("actions.toml"), path)
    return path


def read_actions(path: Path) -> tuple[Action, ...]:
    """Read the action catalogue, or raise InvalidAction with every fault in it."""
    return parse_actions(path.read_text(encoding="utf-8"), str(path))


def choose_action(
    actions: Sequence[Action], rates: ResponseRates | None, situation: Situation
) -> Decision:
    """Return the action that is expected to bring most, or silence."""
    stratum = stratum_of(situation.profile)
    open_, refused = [], []
    for action in actions:
        refusal = eligible(
            action,
            segments=situation.segments,
            consent=situation.consent,
            last_shown=situation.last_shown,
            channels=situation.channels,
            as_of=situation.as_of,
        )
        if refusal is None:
            open_.append(_candidate(action, rates, stratum))
        else:
            refused.append(refusal)
    return decide(open_, refused)


def _candidate(action: Action, rates: ResponseRates | None, stratum: str) -> Candidate:
    """Return the action with its rate among customers like this one, shrunk to its prior."""
    counted = ResponseRates(
        rates.tallies if rates else {},
        prior=min(max(action.prior_rate, 1e-6), 1 - 1e-6),
        strength=action.prior_strength,
    )
    expected = counted.rate(action.key, stratum)
    low, high = counted.interval(action.key, stratum)
    shown = counted.tally(action.key, stratum).shown
    return Candidate(action, expected, min(low, expected), max(high, expected), shown)


def exposure(
    chosen: Candidate, ids: tuple[str | None, str | None], decision_id: str, at: datetime
) -> Event:
    """Return the event that says what was shown to whom, and with what probability chosen."""
    return Event(
        message_id=decision_id,
        kind=ACTION_SHOWN,
        at=at,
        received_at=at,
        customer_id=ids[0],
        anonymous_id=ids[1],
        channel=chosen.action.channel,
        decision_id=decision_id,
        properties={"action": chosen.action.key, "propensity": ALWAYS, "control": False},
    )


def candidate_plain(candidate: Candidate) -> dict[str, Any]:
    """Return a candidate as it goes over the wire."""
    action = candidate.action
    return {
        "action": action.key,
        "title": action.title,
        "channel": action.channel,
        "message": action.message,
        "expected_value": round(candidate.expected_value, 6),
        "p_accept": candidate.p_accept,
        "p_accept_interval": [candidate.p_low, candidate.p_high],
        "value": action.value,
        "cost": action.cost,
        "shown": candidate.shown,
    }
