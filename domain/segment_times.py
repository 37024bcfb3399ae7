"""When the answer of a rule can next change by time alone, with no event and no new score."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any

from domain.behaviour import State
from domain.events import from_micros, to_micros
from domain.live_profile import Scores, profile_at
from domain.moving import LATEST, Moving, moving, moving_names
from domain.segments import OPERATORS, Condition, Rule, fields_of, matches

_LOOKS = 16  # crossings looked at before answering with one that may change nothing


def depends_on_time(rule: Rule) -> bool:
    """Return whether time alone can change the answer of the rule for anybody."""
    return not moving_names().isdisjoint(fields_of(rule))


def next_change(rule: Rule, state: State, scores: Scores, now: datetime) -> datetime | None:
    """Return the earliest instant after `now` at which the answer can change by time alone.

    Up to that instant the answer stays what it is now; at it the rule must be asked again. None
    means never. It is exact but for rules that many crossings leave unchanged: then it is early.
    """
    return next_change_of(rule, state, profile_at(state, scores, now), now)


def next_change_of(
    rule: Rule, state: State, profile: Mapping[str, Any], now: datetime
) -> datetime | None:
    """Return `next_change` for a customer whose profile at `now` is at hand."""
    parts = {name: m for name in sorted(fields_of(rule)) if (m := moving(name, state)) is not None}
    if not parts:
        return None
    is_in, at = matches(rule, profile), to_micros(now)
    for _ in range(_LOOKS):
        found = min(_crossings(rule, parts, at), default=LATEST)
        if found >= LATEST:
            return None
        at = found
        if matches(rule, {**profile, **{name: m.at(at) for name, m in parts.items()}}) != is_in:
            break
    return from_micros(at)


def _crossings(rule: Rule, parts: Mapping[str, Moving], now: int) -> Iterator[int]:
    """Yield the next crossing of each value that the rule compares a moving attribute with."""
    if not isinstance(rule, Condition):
        for part in rule.rules:
            yield from _crossings(part, parts, now)
    elif rule.field in parts and OPERATORS[rule.operator].base != "null":
        for value in rule.values:
            found = parts[rule.field].crossing(float(value), now)
            if found is not None:
                yield found
