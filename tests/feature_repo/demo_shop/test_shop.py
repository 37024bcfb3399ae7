"""Laws of the demo shop: the same seed tells the same, valid, believable year."""

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, timedelta

import pytest

from domain.catalogue import builtin_catalogue
from domain.errors import InvalidInput
from feature_repo.demo_shop import Shop, generate

END = datetime(2026, 4, 1, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def shop() -> Shop:
    return generate(7, customers=200, items=80, end=END)


def test_the_same_seed_and_end_tell_the_same_year(shop):
    again = generate(7, customers=200, items=80, end=END)
    assert again.events == shop.events
    assert again.items == shop.items


def test_another_seed_tells_another_year(shop):
    assert generate(8, customers=200, items=80, end=END).events != shop.events


def test_message_ids_are_unique_and_differ_between_shops(shop):
    ids = {event.message_id for event in shop.events}
    assert len(ids) == len(shop.events)
    other = generate(8, customers=200, items=80, end=END)
    assert not ids & {event.message_id for event in other.events}


def test_every_kind_is_in_the_catalogue(shop):
    assert {event.kind for event in shop.events} <= set(builtin_catalogue().kinds)


def test_everything_happens_in_order_and_within_the_span(shop):
    moments = [event.at for event in shop.events]
    assert moments == sorted(moments)
    assert moments[0] >= END - timedelta(days=365)
    assert moments[-1] < END
    assert all(event.received_at < END for event in shop.events)


def test_start_alone_and_end_alone_mean_the_same_span():
    by_end = generate(3, customers=30, items=24, end=datetime(2026, 1, 1, tzinfo=UTC), days=90)
    by_start = generate(3, customers=30, items=24, start=date(2025, 10, 3), days=90)
    assert by_start.events == by_end.events


def test_an_end_without_time_zone_is_refused():
    with pytest.raises(InvalidInput, match="no time zone"):
        generate(end=datetime(2026, 1, 1))


def test_a_shop_too_small_to_be_one_is_refused():
    with pytest.raises(InvalidInput, match="items 3 is too few; 12 are the least"):
        generate(items=3)


def test_nobody_logs_in_for_the_first_time_twice(shop):
    firsts = Counter(
        event.customer_id
        for event in shop.events
        if event.kind == "user-login" and event.properties["first"]
    )
    registered = Counter(e.customer_id for e in shop.events if e.kind == "register-account")
    assert max(firsts.values()) == max(registered.values()) == 1


def test_devices_become_customers_at_a_login_and_stay_so(shop):
    owners = defaultdict(set)
    linked, anonymous_before = set(), set()
    for event in shop.events:
        if event.anonymous_id is None:
            continue
        if event.customer_id is None:
            assert event.anonymous_id not in linked
            anonymous_before.add(event.anonymous_id)
        else:
            linked.add(event.anonymous_id)
            owners[event.anonymous_id].add(event.customer_id)
    assert all(len(customers) == 1 for customers in owners.values())
    assert len(linked & anonymous_before) > 50  # anonymous first, known later
    assert len(anonymous_before - linked) > 200  # visitors who never log in


@pytest.mark.parametrize("seed", range(3))
def test_orders_and_offers_belong_to_known_customers(seed):
    for event in generate(seed, customers=600, items=24, end=END).events:
        if event.kind in ("purchase", "action-shown", "action-accepted", "product-return"):
            assert event.customer_id


def test_an_order_is_one_event_and_worth_the_sum_of_its_lines(shop):
    orders = [event for event in shop.events if event.kind == "purchase"]
    assert len(orders) > 200
    assert len({order.order_id for order in orders}) == len(orders)
    for order in orders:
        assert order.customer_id
        assert order.currency == "EUR"
        total = sum(line.quantity * line.unit_price for line in order.lines)
        assert order.value == pytest.approx(total, abs=0.005)
        assert len({line.item_id for line in order.lines}) == len(order.lines)


def test_a_return_belongs_to_an_earlier_order_and_is_no_larger(shop):
    bought = {e.order_id: e for e in shop.events if e.kind == "purchase"}
    returned = [e for e in shop.events if e.kind == "product-return"]
    assert returned
    for event in returned:
        order = bought[event.order_id]
        assert order.customer_id == event.customer_id
        assert order.at < event.at
        assert event.value <= order.value


def test_items_have_titles_of_their_own_and_some_are_out_of_stock(shop):
    assert len({item.title for item in shop.items}) == len(shop.items) == 80
    assert len({item.category for item in shop.items}) == 12
    assert 0 < sum(not item.in_stock for item in shop.items) < 20
    assert all(item.price > 0 and item.brand for item in shop.items)


def test_no_item_is_seen_before_its_launch(shop):
    launched = {item.item_id: item.updated_at for item in shop.items}
    seen = ((event.at, line.item_id) for event in shop.events for line in event.lines)
    slack = timedelta(hours=1)  # a visit may begin just before a launch
    assert all(at >= launched[item_id] - slack for at, item_id in seen)


def test_before_christmas_people_visit_and_buy_far_more_than_on_average(shop):
    for kind in ("page-view", "purchase"):
        moments = [event.at for event in shop.events if event.kind == kind]
        busy = sum(at.month == 12 and at.day <= 20 for at in moments)
        assert busy / 20 > 1.3 * len(moments) / 365


def test_people_shop_in_the_evening_rather_than_at_night(shop):
    hours = Counter(event.at.hour for event in shop.events if event.kind == "page-view")
    assert sum(hours[h] for h in (19, 20, 21)) > 5 * sum(hours[h] for h in (2, 3, 4))


def test_mails_go_only_to_those_who_agreed(shop):
    agreed: dict[str, bool] = {}
    for event in shop.events:
        if "marketing" in event.consent:
            agreed[event.customer_id] = event.consent["marketing"]
        if event.kind == "email-sent":
            assert agreed[event.customer_id]


def test_all_that_models_learn_from_is_there(shop):
    kinds = Counter(event.kind for event in shop.events)
    wanted = (
        "page-view search item-view click-details add-wishlist add-to-cart remove-from-cart "
        "order-checkout purchase product-return submit-contact register-account user-login "
        "email-sent email-open email-click action-shown action-accepted identify rating"
    )
    assert all(kinds[kind] for kind in wanted.split())
