"""The features of all customers in SQL: what `domain.derived` and `domain.tastes` say of one.

They are read off the parts of `feature_repo.state_tables`; `$T` is the cut-off (µs since 1970).
Law 1 keeps the two equal.
"""

from domain.behaviour import DAY_MICROS, HALF_LIVES_DAYS
from domain.catalogue import ADD_TO_CART, GROUPS, JOURNEY, PURCHASE_GROUP, RETURN, STAGES
from domain.derived import (
    CART_DAYS,
    SESSION_GAP_MICROS,
    STANDARD_TRAITS,
    TRACKED_KINDS,
    decayed_value_name,
)
from domain.events import CHANNELS
from domain.features import FEATURES
from domain.tastes import DEVICE_SHARES, TOP, top_names


def _days_since(at: str) -> str:
    return f"($T - {at}) / {float(DAY_MICROS)!r}"


def _decayed(part: str, where: str) -> list[str]:
    """Return one SQL sum per half-life of a tally's decayed list, carried on to the cut-off."""
    return [
        f"coalesce(sum({part}[{n}] * pow(2, (last_at - $T) / {days * DAY_MICROS!r})) "
        f"FILTER ({where}), 0)"
        for n, days in enumerate(HALF_LIVES_DAYS.values(), start=1)
    ]


def _group_columns() -> str:
    columns = []
    for group in GROUPS:
        where = f"WHERE grp = '{group}'"
        columns.append(f"coalesce(sum(events) FILTER ({where}), 0)::DOUBLE AS {group}_count")
        columns.append(f"{_days_since(f'max(last_at) FILTER ({where})')} AS days_since_{group}")
        columns += [
            f"{sql} AS {group}_count_{name}"
            for name, sql in zip(HALF_LIVES_DAYS, _decayed("decayed_count", where), strict=True)
        ]
        columns += [
            f"{sql} AS {decayed_value_name(group, name)}"
            for name, sql in zip(HALF_LIVES_DAYS, _decayed("decayed_value", where), strict=True)
        ]
    return ", ".join(columns)


def _kind_columns() -> str:
    return ", ".join(
        f"coalesce(sum(events) FILTER (WHERE kind = '{kind}'), 0)::DOUBLE AS {stem}_count"
        for kind, stem in TRACKED_KINDS.items()
    )


def _points(column: str, model: str | None = None) -> str:
    where = f"FILTER (WHERE model = '{model}')" if model else ""
    return f"coalesce(sum({column} * events) {where}, 0)::DOUBLE"


def _stage(column: str, names: tuple[str, ...]) -> str:
    listed = ", ".join(f"'{name}'" for name in names)
    return f"[{listed}][coalesce(max({column}), 0) + 1]"


def _gaps(table: str, stem: str, extra: str = "") -> str:
    return f"""
        SELECT profile_id, count(*)::DOUBLE AS {stem}_days, avg(gap) AS {stem}_gap_mean,
               CASE WHEN count(gap) > 1 THEN stddev_pop(gap) END AS {stem}_gap_std {extra}
        FROM (SELECT *, day - lag(day) OVER (PARTITION BY profile_id ORDER BY day) AS gap
              FROM {table})
        GROUP BY profile_id"""


def _top(stem: str, weights: str) -> str:
    """Return the SQL of the top names, given that of (profile_id, name, weight)."""
    named = ", ".join(
        f"max(name) FILTER (WHERE place = {place}) AS {column}"
        for place, column in enumerate(top_names(stem), start=1)
    )
    return f"""
        SELECT profile_id, {named}
        FROM (SELECT profile_id, name, row_number() OVER (
                         PARTITION BY profile_id ORDER BY weight DESC, name) AS place
              FROM ({weights}) QUALIFY place <= {TOP})
        GROUP BY profile_id"""


def _touched(column: str) -> str:
    return f"""
        SELECT profile_id, {column} AS name, sum(greatest(coalesce(k.score, 0), 0)) AS weight
        FROM touch t LEFT JOIN kinds k ON k.kind = t.kind
        WHERE {column} IS NOT NULL GROUP BY ALL"""


def _counted(column: str, table: str) -> str:
    return f"""
        SELECT profile_id, {column} AS name, count(*) AS weight
        FROM {table} WHERE {column} IS NOT NULL GROUP BY ALL"""


def _share(column: str, value: str, name: str) -> str:
    return f"count(*) FILTER (WHERE {column} = '{value}') / nullif(count({column}), 0) AS {name}"


def _text_trait(name: str) -> str:
    value = f"max(value) FILTER (WHERE name = '{name}')"
    return f"CASE WHEN json_type({value}) = 'VARCHAR' THEN nullif({value} ->> '$', '') END"


_BOUGHT = f"WHERE grp = '{PURCHASE_GROUP}'"
_CART = f"WHERE kind = '{ADD_TO_CART}'"
_TODAY = f"($T // {DAY_MICROS})"

_WAYS = [
    *(_share("channel", channel, f"{channel}_share") for channel in CHANNELS),
    *(_share("device", device, name) for device, name in DEVICE_SHARES.items()),
]

AGGREGATES = {
    "who": """
        SELECT profile_id, bool_or(customer_id IS NOT NULL) AS is_known FROM ev GROUP BY ALL""",
    "counted": f"""
        SELECT profile_id,
               coalesce(sum(events) FILTER (WHERE done), 0)::DOUBLE AS event_count,
               {_days_since("min(first_at) FILTER (WHERE done)")} AS days_since_first_event,
               {_days_since("max(last_at) FILTER (WHERE done)")} AS days_since_last_event,
               {_group_columns()}, {_kind_columns()},
               {_days_since(f"max(last_at) FILTER ({_CART})")} AS days_since_add_to_cart,
               coalesce($T - max(last_at) FILTER ({_CART}) > {SESSION_GAP_MICROS}
                        AND $T - max(last_at) FILTER ({_CART}) <= {CART_DAYS * DAY_MICROS}
                        AND coalesce(max(last_at) FILTER ({_BOUGHT})
                                     < max(last_at) FILTER ({_CART}), true), false)
                   AS cart_abandoned,
               {_stage("stage_rank", STAGES)} AS funnel_stage,
               {_stage("journey_rank", JOURNEY)} AS journey_stage,
               {_points("score", "lead")} AS lead_points,
               {_points("score", "engagement")} AS engagement_points,
               {_points("loyalty")} AS loyalty_points,
               {_days_since(f"max(last_at) FILTER ({_BOUGHT})")} AS recency_days,
               {_days_since(f"min(first_at) FILTER ({_BOUGHT})")} AS customer_age_days,
               coalesce(sum(events) FILTER ({_BOUGHT}), 0)::DOUBLE AS order_count,
               coalesce(sum(value) FILTER ({_BOUGHT}), 0) AS spend_total,
               coalesce(sum(value) FILTER (WHERE kind = '{RETURN}'), 0) AS return_total
        FROM (SELECT t.*, coalesce(k.grp, 'none') AS grp, k.model, k.score, k.loyalty, k.stage_rank,
                     k.journey_rank, coalesce(k.is_active, true) AS done
              FROM tally t LEFT JOIN kinds k ON k.kind = t.kind)
        GROUP BY profile_id""",
    "visits": _gaps("active_day", "active"),
    "buys": _gaps(
        "purchase_day",
        "purchase",
        ", sum(spend) / count(*) AS spend_per_purchase_day"
        + "".join(
            f", coalesce(sum(spend) FILTER (WHERE day >= {_TODAY} - {n}), 0) AS spend_{n}d"
            for n in (30, 90, 365)
        )
        + "".join(
            f", (count(*) FILTER (WHERE day >= {_TODAY} - {n}))::DOUBLE AS purchase_days_{n}d"
            for n in (90, 365)
        ),
    ),
    "session_start": f"""
        SELECT profile_id, max(occurred_at) FILTER (
                   WHERE before IS NULL OR occurred_at - before > {SESSION_GAP_MICROS}) AS start
        FROM (SELECT profile_id, occurred_at, lag(occurred_at) OVER (
                         PARTITION BY profile_id ORDER BY occurred_at, message_id) AS before
              FROM moment)
        GROUP BY profile_id""",
    "sessions": f"""
        SELECT m.profile_id, count(*)::DOUBLE AS session_event_count,
               {_days_since("min(occurred_at)")} AS days_since_session_start,
               (max(occurred_at) - min(occurred_at)) / 60e6 AS session_minutes,
               arg_min(campaign, (occurred_at, message_id)) FILTER (WHERE campaign IS NOT NULL)
                   AS session_campaign
        FROM moment m JOIN session_start s ON s.profile_id = m.profile_id AND occurred_at >= start
        GROUP BY m.profile_id""",
    "touched": """
        SELECT t.profile_id, count(DISTINCT item_id)::DOUBLE AS recent_item_count,
               (count(DISTINCT item_id) FILTER (WHERE occurred_at >= start))::DOUBLE
                   AS session_item_count
        FROM touch t LEFT JOIN session_start s ON s.profile_id = t.profile_id GROUP BY ALL""",
    "categories": _top("category", _touched("category")),
    "brands": _top("brand", _touched("brand")),
    "touchpoints": _top("touchpoint", _counted("channel", "(FROM ev WHERE is_active)")),
    "campaigns": _top("campaign", _counted("campaign", "moment")),
    "ways": f"""
        SELECT profile_id, {", ".join(_WAYS)} FROM ev WHERE is_active GROUP BY profile_id""",
    "traits": f"""
        SELECT profile_id, {_text_trait("country")} AS country, {_text_trait("city")} AS city,
               {_text_trait("gender")} AS gender, {_text_trait("source")} AS acquisition_source,
               {_text_trait("email")} IS NOT NULL AS has_email,
               {_text_trait("phone")} IS NOT NULL AS has_phone,
               max(CASE WHEN name = 'age' AND json_type(value) IN
                             ('UBIGINT', 'BIGINT', 'HUGEINT', 'UHUGEINT', 'DOUBLE')
                             AND TRY_CAST(value AS DOUBLE) BETWEEN 0 AND 150
                        THEN TRY_CAST(value AS DOUBLE) END) AS age_years,
               count(*) FILTER (WHERE name IN ({", ".join(f"'{t}'" for t in STANDARD_TRAITS)})
                   AND json_type(value) <> 'NULL' AND value::VARCHAR <> '""')
                   / {float(len(STANDARD_TRAITS))!r} AS data_quality
        FROM trait GROUP BY profile_id""",
    "agreed": """
        SELECT profile_id, bool_and(granted) AS consent_marketing
        FROM consent WHERE purpose = 'marketing' GROUP BY profile_id""",
}

_ABSENT = {  # what a profile without any row in an aggregate gets; everything else is NULL
    "has_email": "false", "has_phone": "false", "consent_marketing": "false", "data_quality": "0.0",
    "active_day_count": "0.0", "session_event_count": "0.0", "session_minutes": "0.0",
    "session_item_count": "0.0", "recent_item_count": "0.0", "purchase_day_count": "0.0",
    "spend_30d": "0.0", "spend_90d": "0.0", "spend_365d": "0.0", "purchase_days_90d": "0.0",
    "purchase_days_365d": "0.0",
}  # fmt: skip
_RENAMED = {
    "active_day_count": "active_days", "visit_gap_mean_days": "active_gap_mean",
    "visit_gap_std_days": "active_gap_std", "purchase_day_count": "purchase_days",
    "purchase_gap_mean_days": "purchase_gap_mean", "purchase_gap_std_days": "purchase_gap_std",
}  # fmt: skip


def _column(name: str) -> str:
    source = _RENAMED.get(name, name)
    return (
        f"coalesce({source}, {_ABSENT[name]}) AS {name}"
        if name in _ABSENT
        else f"{source} AS {name}"
    )


FEATURE_ROWS = f"""
    SELECT profile_id, {", ".join(_column(f.name) for f in FEATURES)}
    FROM who {
    " ".join(
        f"LEFT JOIN {t} USING (profile_id)"
        for t in (
            "counted",
            "visits",
            "buys",
            "sessions",
            "touched",
            "categories",
            "brands",
            "touchpoints",
            "campaigns",
            "ways",
            "traits",
            "agreed",
        )
    )
}"""
