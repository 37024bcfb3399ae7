"""The event catalogue holds every row that was agreed upon, to the point."""

from datetime import UTC, datetime, timedelta

import pytest

from domain.behaviour import State, fold
from domain.catalogue import GROUPS, JOURNEY, SEGMENT_NAMES, builtin_catalogue, kind_named
from domain.events import Event
from domain.features import features_at

AT = datetime(2024, 3, 1, tzinfo=UTC)
KINDS = builtin_catalogue().kinds
BASE = {  # score; the additive lead score must reproduce these exactly
    "data-import": 0, "ad-impression": 1, "page-view": 1, "accept-tracking": 1,
    "engaged-session": 2, "like": 3, "content-view": 4, "search": 5, "item-view": 6,
    "survey-view": 7, "click-details": 8, "play-video": 9, "submit-contact": 10,
    "file-download": 10, "register-account": 11, "user-login": 12, "short-link-click": 14,
}  # fmt: skip
BEYOND = {  # funnel stage -> kind -> (score, loyalty points)
    "Prospect": {
        "notification-click": (15, 0), "sms-click": (16, 0), "email-click": (16, 0),
        "join-workshop": (17, 0), "join-webinar": (18, 0), "join-community": (19, 0),
        "check-in": (20, 0), "ask-question": (21, 0), "chat-for-support": (22, 0),
        "product-trial": (23, 0), "add-wishlist": (24, 0), "add-to-cart": (24, 0),
        "remove-from-cart": (0, 0), "apply-loan": (25, 0), "booking": (25, 0),
        "order-checkout": (26, 0),
    },
    "New Customer": {
        "purchase": (27, 1), "approve-loan": (27, 1), "enroll": (28, 1), "subscribe": (29, 1),
        "made-payment": (30, 1),
    },
    "Engaged": {
        "submit-feedback": (31, 0), "rating": (32, 0), "comment": (33, 0), "repurchase": (34, 1),
        "ces": (35, 0), "csat": (36, 0), "nps": (37, 2),
    },
}  # fmt: skip
MORE = {  # kind -> (score, loyalty points)
    "positive-feedback": (42, 3), "negative-feedback": (-40, -1),
    "positive-social-review": (45, 3), "negative-social-review": (-44, -1),
    "viral-positive": (50, 5), "product-return": (-33, -3), "unsubscribe-service": (-44, -4),
    "cancel-contract": (-55, -5), "viral-negative": (-66, -6), "unlike": (-3, 0),
    "follow": (10, 0), "unfollow": (-10, 0), "qr-code-scan": (14, 0),
}  # fmt: skip
SILENT = {  # what the house itself writes, and what was done to a customer: worth nothing
    "identify", "alias", "email-sent", "email-open", "action-shown", "recommendation-shown",
    "action-accepted",
}  # fmt: skip
ECOMMERCE = (  # names of Segment's e-commerce spec with a counterpart here
    "Products Searched", "Product List Viewed", "Product List Filtered", "Promotion Viewed",
    "Promotion Clicked", "Product Clicked", "Product Viewed", "Product Added", "Product Removed",
    "Cart Viewed", "Checkout Started", "Checkout Step Viewed", "Checkout Step Completed",
    "Payment Info Entered", "Order Completed", "Order Refunded", "Order Cancelled",
    "Product Added to Wishlist", "Product Removed from Wishlist", "Wishlist Product Added to Cart",
    "Product Shared", "Cart Shared", "Product Reviewed",
)  # fmt: skip


def points(*kinds: str) -> dict[str, float]:
    state = State()
    for n, kind in enumerate(kinds):
        state = fold(state, Event(f"m{n}", kind, AT, AT, customer_id="ann"))
    row = features_at(state, AT + timedelta(days=1))
    return {name: row[f"{name}_points"] for name in ("lead", "engagement", "loyalty")}


def test_the_base_rows_have_their_scores_stages_and_models():
    names = list(BASE)
    lead_from = names.index("submit-contact")
    for at, (name, score) in enumerate(BASE.items()):
        kind = KINDS[name]
        model = {"data-import": "data_quality", "ad-impression": "cac"}.get(name, "lead")
        stage = "New Visitor" if at < lead_from else "Lead"
        assert (kind.score, kind.loyalty, kind.stage, kind.model) == (score, 0, stage, model), name


def test_the_rows_beyond_have_their_scores_loyalty_points_and_stages():
    for stage, rows in BEYOND.items():
        for name, (score, loyalty) in rows.items():
            kind = KINDS[name]
            assert (kind.score, kind.loyalty, kind.stage) == (score, loyalty, stage), name
    for name, wanted in MORE.items():
        assert (KINDS[name].score, KINDS[name].loyalty) == wanted, name


def test_no_row_beside_them_is_worth_anything():
    agreed = {*BASE, *MORE, *(name for rows in BEYOND.values() for name in rows)}
    assert set(KINDS) - agreed == SILENT
    assert {(KINDS[name].score, KINDS[name].loyalty) for name in SILENT} == {(0, 0)}


def test_every_row_that_counts_says_where_it_stands_on_the_journey_and_in_which_group():
    for kind in KINDS.values():
        if kind.name not in SILENT:
            assert kind.journey in JOURNEY, kind.name
            assert kind.group in GROUPS or kind.name == "data-import", kind.name


def test_one_event_of_each_base_row_adds_up_to_the_lead_score():
    assert points(*BASE)["lead"] == sum(BASE.values()) - BASE["ad-impression"] == 103


@pytest.mark.parametrize(
    ("kinds", "engagement", "loyalty"),
    [
        (["purchase", "purchase"], 54, 2),
        (["purchase", "product-return"], -6, -2),
        (["nps", "viral-positive", "negative-feedback"], 47, 6),
    ],
)
def test_engagement_and_loyalty_add_up(kinds, engagement, loyalty):
    assert points(*kinds) == {"lead": 0, "engagement": engagement, "loyalty": loyalty}


@pytest.mark.parametrize("name", ECOMMERCE)
def test_a_name_of_the_e_commerce_spec_is_one_of_ours(name):
    assert kind_named(name) in KINDS
    assert kind_named(name.lower().replace(" ", "_")) == kind_named(name)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Signed Up", "register-account"), ("Account Created", "register-account"),
        ("Trial Started", "product-trial"), ("Signed In", "user-login"),
        ("Video Playback Started", "play-video"), ("Video Ad Started", "ad-impression"),
        ("Push Notification Tapped", "notification-click"),
        ("Deep Link Opened", "short-link-click"),
        ("Email Delivered", "email-sent"), ("Email Link Clicked", "email-click"),
        ("Live Chat Conversation Started", "chat-for-support"),
        ("Application Opened", "Application Opened"), ("Signed Out", "Signed Out"),
        ("Video Playback Completed", "Video Playback Completed"),
    ],
)  # fmt: skip
def test_names_of_accounts_videos_apps_and_mails(name, kind):
    assert kind_named(name) == kind


def test_names_lead_to_kinds_that_exist():
    assert set(SEGMENT_NAMES.values()) <= set(KINDS)


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Product Viewed", "item-view"), ("product viewed", "item-view"),
        ("product_added", "add-to-cart"), (" Order Completed ", "purchase"),
        ("add_to_cart", "add-to-cart"), ("Add To Cart", "add-to-cart"),
        ("purchase", "purchase"), ("Blender Polished", "Blender Polished"),
    ],
)  # fmt: skip
def test_case_blanks_and_underscores_make_no_difference_to_a_known_name(name, kind):
    assert kind_named(name) == kind
