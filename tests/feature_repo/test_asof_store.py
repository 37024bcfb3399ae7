"""The offline store gives each row what was known strictly before its moment, and loses no row."""

import inspect
from datetime import UTC, datetime, timedelta
from pathlib import Path

import feature_repo.light_feast  # noqa: F401  # isort: skip

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from feast import Entity, FeatureView, Field, FileSource, RepoConfig, ValueType
from feast.types import Float64, String
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.errors import InvalidInput, NotEnoughData
from feature_repo.asof_store import AsofOfflineStore

DAY = datetime(2026, 3, 10, tzinfo=UTC)
HOUR = timedelta(hours=1)
MICRO = timedelta(microseconds=1)
SCHEMA = pa.schema(
    [
        ("profile_id", pa.string()),
        ("event_timestamp", pa.timestamp("us", "UTC")),
        ("created_timestamp", pa.timestamp("us", "UTC")),
        ("x", pa.float64()),
        ("label_y", pa.string()),
    ]
)


def view(ttl=timedelta(days=2), field_mapping=None, features=("x", "label_y")):
    types = {"x": Float64, "label_y": String, "renamed": Float64}
    return FeatureView(
        name="facts",
        entities=[Entity(name="p", join_keys=["profile_id"], value_type=ValueType.STRING)],
        schema=[
            Field(name="profile_id", dtype=String),
            *(Field(name=n, dtype=types[n]) for n in features),
        ],
        source=FileSource(
            path="offline/facts/*.parquet",
            timestamp_field="event_timestamp",
            created_timestamp_column="created_timestamp",
            field_mapping=field_mapping or {},
        ),
        ttl=ttl,
    )


def store_rows(home: Path, rows, file="as_of=1.parquet"):
    """Write (profile, event time, created time, value) rows as one file of the view."""
    folder = home / "offline" / "facts"
    folder.mkdir(parents=True, exist_ok=True)
    columns = [*zip(*rows, strict=True)] if rows else [[], [], [], []]
    table = pa.table([*columns, [f"t{v}" for v in columns[3]]], schema=SCHEMA)
    pq.write_table(table, folder / file)


def join(home: Path, entities, facts=None, **options):
    facts = facts or view()
    refs = [f"facts:{f.name}" for f in facts.features]
    job = AsofOfflineStore.get_historical_features(
        config(home), [facts], refs, entities, None, "test", **options
    )
    return job.to_df()


def config(home: Path):
    offline = {"type": "feature_repo.asof_store.AsofOfflineStore", "home": str(home)}
    return RepoConfig(
        project="test",
        provider="local",
        registry=str(home / "registry.db"),
        online_store={"type": "sqlite", "path": str(home / "online.db")},
        offline_store=offline,
        entity_key_serialization_version=3,
    )


def asking(*rows, **extra):
    ids, times = zip(*rows, strict=True)
    return pd.DataFrame({"profile_id": ids, "event_timestamp": times, **extra})


def values(frame):
    return [None if pd.isna(v) else v for v in frame["x"]]


def test_every_row_is_kept_and_sees_only_what_was_known_before(tmp_path):
    long_ago = DAY - timedelta(days=3)
    store_rows(
        tmp_path,
        [
            ("anna", DAY - 2 * HOUR, DAY, 1.0),
            ("anna", DAY - HOUR, DAY, 2.0),
            ("future", DAY + HOUR, DAY, 3.0),
            ("expired", long_ago, DAY, 4.0),
            ("tie", DAY - HOUR, DAY - HOUR, 5.0),
            ("tie", DAY - HOUR, DAY, 6.0),
            ("tie", DAY - HOUR, DAY - 2 * HOUR, 7.0),
            ("now", DAY, DAY, 8.0),
            ("before", DAY - MICRO, DAY, 9.0),
        ],
    )
    ids = ["anna", "anna", "anna", "future", "expired", "tie", "unknown", "now", "before"]
    found = join(tmp_path, asking(*((i, DAY) for i in ids), item=[*range(9)]))
    assert list(found["profile_id"]) == ids
    assert list(found["item"]) == [*range(9)]
    assert values(found) == [2.0, 2.0, 2.0, None, None, 6.0, None, None, 9.0]
    assert found["label_y"][0] == "t2.0"  # Feast's DuckDB store drops columns that end in _y


def test_a_row_lives_exactly_as_long_as_its_ttl(tmp_path):
    store_rows(tmp_path, [("a", DAY, DAY, 1.0)])
    ages = [MICRO, 2 * HOUR, 2 * HOUR + MICRO]
    rows = asking(*(("a", DAY + age) for age in ages))
    assert values(join(tmp_path, rows, view(ttl=2 * HOUR))) == [1.0, 1.0, None]


@pytest.mark.parametrize("ttl", [None, timedelta(0)])
def test_without_ttl_a_row_never_expires(tmp_path, ttl):
    store_rows(tmp_path, [("a", DAY, DAY, 1.0)])
    rows = asking(("a", DAY + timedelta(days=5_000)))
    assert values(join(tmp_path, rows, view(ttl=ttl))) == [1.0]


def test_rows_written_later_can_be_hidden(tmp_path):
    store_rows(
        tmp_path,
        [
            ("a", DAY - 3 * HOUR, DAY - 3 * HOUR, 1.0),
            ("a", DAY - HOUR, DAY + HOUR, 2.0),  # back-filled after the moment
            ("a", DAY - 2 * HOUR, DAY + 2 * HOUR, 3.0),  # and one that is older and later still
        ],
    )
    rows = asking(("a", DAY), ("a", DAY + HOUR), ("a", DAY + 3 * HOUR))
    assert values(join(tmp_path, rows)) == [2.0, 2.0, 2.0]
    assert values(join(tmp_path, rows, filter_by_created_timestamp=True)) == [1.0, 2.0, 2.0]


def test_names_can_be_full_and_columns_mapped(tmp_path):
    store_rows(tmp_path, [("a", DAY - HOUR, DAY, 1.0)])
    mapped = view(field_mapping={"x": "renamed"}, features=("renamed",))
    found = join(tmp_path, asking(("a", DAY)), mapped, full_feature_names=True)
    assert list(found.columns) == ["profile_id", "event_timestamp", "facts__renamed"]
    assert found["facts__renamed"][0] == 1.0


def test_all_files_of_the_view_are_read_and_only_those(tmp_path):
    store_rows(tmp_path, [("a", DAY - 2 * HOUR, DAY, 1.0)], "as_of=1.parquet")
    store_rows(tmp_path, [("a", DAY - HOUR, DAY, 2.0)], "as_of=2.parquet")
    (tmp_path / "offline" / "facts" / "as_of=3.writing").write_text("half a file")
    assert values(join(tmp_path, asking(("a", DAY), ("a", DAY - HOUR)))) == [2.0, 1.0]


def test_times_without_zone_are_utc_and_text_is_understood(tmp_path):
    store_rows(tmp_path, [("a", DAY - HOUR, DAY, 1.0)])
    assert values(join(tmp_path, asking(("a", DAY.replace(tzinfo=None))))) == [1.0]
    assert values(join(tmp_path, asking(("a", "2026-03-10T01:00:00+02:00")))) == [None]
    assert values(join(tmp_path, asking(("a", "2026-03-10T02:00:00+02:00")))) == [1.0]


def test_no_rows_in_gives_no_rows_out(tmp_path):
    store_rows(tmp_path, [("a", DAY, DAY, 1.0)])
    found = join(tmp_path, asking(("a", DAY)).iloc[:0])
    assert len(found) == 0 and "x" in found.columns


def test_a_view_that_was_never_built_says_what_to_do(tmp_path):
    with pytest.raises(NotEnoughData, match=r"'facts'.*run `nextbest build` first"):
        join(tmp_path, asking(("a", DAY)))


def test_a_feature_that_no_build_has_written_says_what_to_do(tmp_path):
    store_rows(tmp_path, [("a", DAY, DAY, 1.0)])
    with pytest.raises(NotEnoughData, match=r"'renamed'.*run `nextbest build` again"):
        join(tmp_path, asking(("a", DAY)), view(features=("x", "renamed")))


def test_sql_text_is_refused_in_words(tmp_path):
    with pytest.raises(InvalidInput, match="must be a DataFrame"):
        join(tmp_path, "SELECT 1")


def test_the_signature_is_that_of_feast():
    ours = inspect.signature(AsofOfflineStore.get_historical_features)
    theirs = inspect.signature(AsofOfflineStore.__mro__[1].get_historical_features)
    assert list(ours.parameters) == list(theirs.parameters)


def reference(facts, asked, ttl, honour_created):
    """Return the values by looking at every fact for every asked row."""
    answers = []
    for who, at in asked:
        seen = [f for f in facts if f[0] == who and f[1] < at]
        if honour_created:
            seen = [f for f in seen if f[2] <= at]
        best = max(seen, key=lambda f: (f[1], f[2]), default=None)
        alive = best is not None and (not ttl or best[1] + ttl >= at)
        answers.append(best[3] if alive else None)
    return answers


instants = st.integers(0, 6).map(lambda n: DAY + n * MICRO)
people = st.sampled_from(["a", "b", "c"])
facts_lists = st.lists(
    st.tuples(people, instants, instants), unique=True, min_size=1, max_size=25
).map(lambda rows: [(*row, float(n)) for n, row in enumerate(rows)])
asked_lists = st.lists(st.tuples(people, instants), min_size=1, max_size=15)


@settings(
    max_examples=settings.default.max_examples // 4,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(facts_lists, asked_lists, st.integers(0, 4), st.booleans())
def test_it_agrees_with_looking_at_every_row(tmp_path, facts, asked, ttl, honour_created):
    store_rows(tmp_path, facts)
    span = ttl * MICRO
    found = join(
        tmp_path, asking(*asked), view(ttl=span), filter_by_created_timestamp=honour_created
    )
    assert values(found) == reference(facts, asked, span, honour_created)
