"""The responses to actions: how often each was shown, and accepted, by whom.

The stratum is that of the customer at the moment of the showing: the furthest funnel stage and the
last activity before it. So nothing that came of the showing can colour it.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path

import duckdb

from domain.actions import Action, builtin_actions, parse_actions
from domain.behaviour import DAY_MICROS
from domain.catalogue import ACTION_SHOWN, STAGES
from domain.errors import InvalidAction
from domain.settings import Settings
from domain.strata import stratum_of
from feature_repo.state_tables import profile_key
from models.response_rates import ResponseRates

_EVER = "9223372036854775807"
_SHOWN = f"""
    WITH all_events AS (
        SELECT {profile_key(_EVER)} AS profile_id, e.occurred_at, e.message_id, e.kind,
               e.decision_id, k.stage_rank, coalesce(k.is_active, true) AS is_active,
               e.kind = '{ACTION_SHOWN}' AND e.decision_id IS NOT NULL
                   AND coalesce(e.properties ->> 'control', 'false') <> 'true' AS shown,
               e.properties ->> 'action' AS action
        FROM events e LEFT JOIN identities i ON i.anonymous_id = e.anonymous_id
        LEFT JOIN kinds k ON k.kind = e.kind),
    showings AS (
        SELECT action, decision_id, occurred_at, shown,
               max(stage_rank) OVER before AS stage_rank,
               (occurred_at - max(CASE WHEN is_active THEN occurred_at END) OVER before)
                   / {float(DAY_MICROS)!r} AS quiet_days
        FROM all_events
        WINDOW before AS (PARTITION BY profile_id ORDER BY occurred_at, message_id
                          ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING))
    SELECT s.action, s.stage_rank, s.quiet_days, bool_or(coalesce(
               e.occurred_at >= s.occurred_at
               AND e.occurred_at <= s.occurred_at + w.micros, false)) AS accepted
    FROM showings s JOIN windows w ON w.action = s.action
    LEFT JOIN events e ON e.decision_id = s.decision_id AND list_contains(w.kinds, e.kind)
    WHERE s.shown GROUP BY s.decision_id, s.action, s.stage_rank, s.quiet_days"""


def write_responses(db: duckdb.DuckDBPyConnection, settings: Settings, file: Path) -> None:
    """Count the showings of every known action and write them as `responses.json`."""
    actions = {action.key: action for action in _actions(settings)}
    ResponseRates.count(_showings(db, actions)).save(file)


def _actions(settings: Settings) -> tuple[Action, ...]:
    """Return the shop's action catalogue, or the one that ships with Nextbest."""
    given = settings.actions_file
    file = given if given != Path() else settings.home / "actions.toml"
    if file.exists():
        return parse_actions(file.read_text(encoding="utf-8"), str(file))
    if given != Path():
        raise InvalidAction(f"there is no action catalogue at {given}; see setting actions_file")
    return builtin_actions()


def _showings(
    db: duckdb.DuckDBPyConnection, actions: Mapping[str, Action]
) -> Iterator[tuple[str, str | None, bool]]:
    """Yield (action, stratum, accepted), one per showing; an unknown action is left out."""
    db.execute("CREATE OR REPLACE TEMP TABLE windows (action TEXT, micros BIGINT, kinds TEXT[])")
    for action in actions.values():
        micros = int(action.success_window_days * DAY_MICROS)
        row = [action.key, micros, list(action.success_kinds)]
        db.execute("INSERT INTO windows VALUES (?, ?, ?)", row)
    found = db.execute(_SHOWN)
    while rows := found.fetchmany(10_000):
        for action, stage, quiet_days, accepted in rows:
            stage_name = None if stage is None else STAGES[stage]
            profile = {"funnel_stage": stage_name, "days_since_last_event": quiet_days}
            yield action, stratum_of(profile), bool(accepted)
