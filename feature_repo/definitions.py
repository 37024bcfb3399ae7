"""All that Feast is told: one entity, five views, one service per model. No other file defines any.

The objects hold no folder of this machine: paths are relative to the home folder, and the offline
store of `feature_store.yaml` puts the home in front. So the `feast` command and `store.Features`
register the very same objects. Feast finds them as module attributes; making them touches nothing.
"""

from copy import deepcopy
from datetime import timedelta

import feature_repo.light_feast  # noqa: F401  # isort: skip

from feast import (
    Entity,
    FeatureService,
    FeatureView,
    Field,
    FileSource,
    Project,
    PushSource,
    ValueType,
)  # fmt: skip
from feast.data_format import ParquetFormat
from feast.types import Bool, Float64, String

from domain.features import FEATURES

KEY = "profile_id"
_TYPES = {"number": Float64, "text": String, "boolean": Bool}
_BUILD_TTL = timedelta(days=2)  # a missing build shows as nulls, not as an older build's values


def offline_source(view: str) -> FileSource:
    """Return the Parquet files of a view: one row per profile and moment."""
    return FileSource(
        name=f"{view}_files",
        path=f"offline/{view}/*.parquet",
        file_format=ParquetFormat(),
        timestamp_field="event_timestamp",
        created_timestamp_column="created_timestamp",
    )


def _batch_view(view: str, description: str) -> FeatureView:
    fields = [
        Field(name=f.name, dtype=_TYPES[f.type], description=f.meaning)
        for f in FEATURES
        if f.view == view
    ]
    return FeatureView(
        name=view,
        entities=[profile],
        schema=[Field(name=KEY, dtype=String), *fields],
        source=offline_source(view),
        ttl=_BUILD_TTL,
        online=False,  # online, `features_at` derives the same values from the state
        description=description,
    )


def _text_view(view: str, feature: str, source: FileSource | PushSource, text: str) -> FeatureView:
    return FeatureView(
        name=view,
        entities=[profile],
        schema=[Field(name=KEY, dtype=String), Field(name=feature, dtype=String)],
        source=source,
        ttl=timedelta(0),
        online=True,
        description=text,
    )


project = Project(name="nextbest", description="Customers: features, states and scores.")
profile = Entity(
    name="profile",
    join_keys=[KEY],
    value_type=ValueType.STRING,
    description="A customer, or a device while no customer is known for it.",
)

profile_view = _batch_view("profile", "Who the customer is: traits and consent.")
behaviour_view = _batch_view("behaviour", "What the customer did, how often and how lately.")
value_view = _batch_view("value", "What the customer bought, and what it was worth.")
state_view = _text_view(
    "state",
    "state",
    PushSource(name="state_pushes", batch_source=offline_source("state")),
    "The folded history of a customer as JSON; every event brings it up to date.",
)
scores_view = _text_view(
    "scores", "records", offline_source("scores"), "Score records by model as JSON, with history."
)

lead_score = FeatureService(name="lead_score_v1", features=[profile_view, behaviour_view])
churn = FeatureService(name="churn_v1", features=[profile_view, behaviour_view, value_view])
clv = FeatureService(name="clv_v1", features=[profile_view, behaviour_view, value_view])
recommend = FeatureService(name="recommend_v1", features=[state_view])


def objects() -> list[Project | Entity | FeatureView | FeatureService]:
    """Return fresh copies of all objects, because Feast writes into those it applies."""
    views = [profile_view, behaviour_view, value_view, state_view, scores_view]
    return deepcopy([project, profile, *views, lead_score, churn, clv, recommend])
