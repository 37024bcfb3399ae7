"""When the answer of a rule can next change by time alone, with no event and no new score."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from domain.behaviour import State
from domain.events import from_micros, to_micros
from domain.live_profile import Scores, profile_at
from domain.moving import LATEST, Moving, moving, moving_names
from domain.segments import OPERATORS, Condition, Rule, Test, fields_of, test_of

_LOOKS = 16  # crossings looked at before answering with one that may change nothing


@dataclass(frozen=True, slots=True)
class Ready:
    """A rule made ready to be asked of many; `compared` are the values that time leads across."""

    test: Test
    fields: frozenset[str]
    compared: Mapping[str, tuple[float, ...]]  # moving attribute -> what it is compared with

    @staticmethod
    def of(rule: Rule) -> "Ready":
        """Return a rule made ready."""
        return Ready(test_of(rule), fields_of(rule), _compared(rule))


def depends_on_time(rule: Rule) -> bool:
    """Return whether time alone can change the answer of the rule for anybody."""
    return not moving_names().isdisjoint(fields_of(rule))


def next_change(rule: Rule, state: State, scores: Scores, now: datetime) -> datetime | None:
    """Return the earliest instant after `now` at which the answer can change by time alone.

    Up to that instant the answer stays what it is now; at it the rule must be asked again. None
    means never. It is exact but for rules that many crossings leave unchanged: then it is early.
    """
    profile = profile_at(state, scores, now)
    ready = Ready.of(rule)
    return next_change_of(ready, state, profile, now, is_in=ready.test(profile))


def next_change_of(
    ready: Ready, state: State, profile: Mapping[str, Any], now: datetime, *, is_in: bool
) -> datetime | None:
    """Return `next_change` where the profile at `now` is at hand, and what the rule says of it."""
    parts = {name: m for name in ready.compared if (m := moving(name, state)) is not None}
    if not parts:
        return None
    profile = {name: profile.get(name) for name in ready.fields}
    at = to_micros(now)
    for _ in range(_LOOKS):
        found = min(_crossings(ready.compared, parts, at), default=LATEST)
        if found >= LATEST:
            return None
        at = found
        if ready.test(profile | {name: m.at(at) for name, m in parts.items()}) != is_in:
            break
    return from_micros(at)


def _compared(rule: Rule) -> Mapping[str, tuple[float, ...]]:
    """Return the moving attributes with the values that the rule compares them with."""
    if not isinstance(rule, Condition):
        found: dict[str, tuple[float, ...]] = {}
        for part in rule.rules:
            for name, values in _compared(part).items():
                found[name] = tuple(dict.fromkeys((*found.get(name, ()), *values)))
        return found
    if rule.field not in moving_names() or OPERATORS[rule.operator].base == "null":
        return {}
    return {rule.field: tuple(map(float, rule.values))}


def _crossings(
    compared: Mapping[str, tuple[float, ...]], parts: Mapping[str, Moving], now: int
) -> Iterator[int]:
    """Yield the next crossing of each value that a moving attribute is compared with."""
    for name, part in parts.items():
        for value in compared[name]:
            if (found := part.crossing(value, now)) is not None:
                yield found
