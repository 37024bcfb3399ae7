"""Rules of placements: read, changed on record, and tried without showing anything to anybody."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from domain.errors import InvalidInput
from serving.listing import items_of, passed_by, segments_of, wish_of
from serving.people import Visitor
from serving.placement_rules import read_rule
from serving.placement_store import Kept
from serving.placing import Placed, place
from serving.release import Release
from serving.rules_trace import Step
from serving.runtime import Runtime
from serving.shapes.placements import DryRunAsked, Rule
from serving.viewer import viewer_of

_TAKEN = ("performance", "history", "dry-run")  # ends of addresses
_PROPOSED = "proposed"


def put_rule(
    runtime: Runtime, name: str, plain: Mapping[str, Any], by: str, now: datetime
) -> dict[str, Any]:
    """Keep a rule for a placement, in place of an older one."""
    end = name.rpartition("/")[2]
    if "/" in name and end in _TAKEN:
        raise InvalidInput(
            f"a placement may not end with '/{end}', which is an address of its own; rename it",
            field="name",
        )
    _read(runtime, plain)
    return runtime.placements.put(name, dict(plain), now, by).to_plain()


def dry_run(runtime: Runtime, name: str, asked: DryRunAsked, now: datetime) -> dict[str, Any]:
    """Return the list as it is, the list with the rule, and what moved why."""
    release = runtime.release
    visitor = runtime.people.visitor(asked.customer_id, asked.anonymous_id)
    proposed = None
    if asked.rule is not None:
        try:
            rule = _read(runtime, asked.rule)
        except InvalidInput as fault:
            fault.field = f"rule.{fault.field}" if fault.field else "rule"
            raise
        proposed = Kept(name, asked.rule, rule, 0, now, _PROPOSED)
    before = _placed(runtime, release, visitor, asked, runtime.placements.find(name), now)
    after = _placed(runtime, release, visitor, asked, proposed, now)
    return {
        "placement": name,
        "now": items_of(release, before.choice),
        "then": items_of(release, after.choice),
        "moved": _moved(release, before, after),
        "faults": list(after.trace.faults),
    }


def _read(runtime: Runtime, plain: Mapping[str, Any]) -> Rule:
    segments = [segment.key for segment in runtime.segments.all()]
    return read_rule(plain, runtime.release.items, segments)


def _placed(
    runtime: Runtime,
    release: Release,
    visitor: Visitor,
    asked: DryRunAsked,
    kept: Kept | None,
    now: datetime,
) -> Placed:
    person, ids = visitor.person, (asked.customer_id, asked.anonymous_id)
    wish = wish_of(asked, person, visitor.bought, passed_by(asked, release), now)
    viewer = viewer_of(runtime, ids, person, lambda: segments_of(runtime, person, now))
    return place(release, wish, kept, viewer, now)


def _moved(release: Release, before: Placed, after: Placed) -> list[dict[str, Any]]:
    """Return every item whose place is another one, the new list first, with what moved it."""
    was = {pick.row: n for n, pick in enumerate(before.choice.picks, start=1)}
    is_ = {pick.row: n for n, pick in enumerate(after.choice.picks, start=1)}
    return [
        {
            "item_id": release.items.ids[row],
            "before": was.get(row),
            "after": is_.get(row),
            "why": _why(after.trace.of(row), before.trace.of(row)),
        }
        for row in dict.fromkeys([*is_, *was])
        if was.get(row) != is_.get(row)
    ]


def _why(with_rule: Sequence[Step], without: Sequence[Step]) -> list[str]:
    """Return the sentences of the new rule, else those of the old one that no longer hold."""
    said = [f"{step.rule}: {step.text}" for step in with_rule]
    gone = [f"no longer {step.rule}: {step.text}" for step in without if step not in with_rule]
    return said or gone or ["others moved"]
