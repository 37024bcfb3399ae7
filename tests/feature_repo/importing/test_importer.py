"""What an import makes of rows: orders, returns, refusals, items, traits; every row counted."""

from datetime import UTC, datetime

import pytest

from domain.errors import InvalidInput
from domain.events import Line
from feature_repo.importing import Example, import_files
from feature_repo.importing.mapping import parse_mapping

from .conftest import LOG, SHOP

CUP = "1,ann,CUP,Cup,2,3.50,2011-06-01 10:00,UK"
PAN = "1,ann,PAN,Pan,1,20,2011-06-01 10:02,UK"


def accounted(report):
    refused = sum(rows.count for rows in report.refused.values())
    return report.rows_used + report.rows_repeated + refused == report.rows_read


def purchases(log, customer="ann"):
    return [e for e in log.events_of(customer) if e.kind == "purchase"]


def test_lines_of_one_order_are_one_purchase(write, shop, log):
    report = import_files([write("a.csv", CUP, PAN)], shop, log)
    (event,) = purchases(log)
    assert event.message_id == "shop:purchase:1"
    assert event.lines == (Line("CUP", 2.0, 3.5), Line("PAN", 1.0, 20.0))
    assert (event.value, event.currency, event.order_id) == (27.0, "GBP", "1")
    assert event.at == datetime(2011, 6, 1, 9, 0, tzinfo=UTC)  # British summer time
    assert report.kinds == {"purchase": 1, "identify": 1}
    assert (report.customers, report.items, report.rows_used) == (1, 2, 2)


def test_importing_the_same_file_again_changes_nothing(write, shop, log):
    path = write("a.csv", CUP, PAN)
    import_files([path], shop, log)
    before, items = log.summary(), list(log.items())
    again = import_files([path], shop, log)
    assert (again.stored, again.duplicates) == (0, 2)
    assert not again.warnings
    assert log.summary() == before
    assert list(log.items()) == items


def test_a_cancellation_is_a_return_with_a_positive_quantity(write, shop, log):
    import_files([write("a.csv", "C1,ann,CUP,Cup,-2,3.50,2011-06-02 10:00,UK")], shop, log)
    event = log.events_of("ann")[0]
    assert event.kind == "product-return"
    assert event.lines == (Line("CUP", 2.0, 3.5),)
    assert event.value == 7.0


def test_a_negative_quantity_can_be_a_return_by_itself(write, log):
    rules = SHOP.replace('column = "order"\nmatches = "C.*"', "negative_quantity = true")
    path = write("a.csv", CUP, "1,ann,CUP,Cup,-1,3.50,2011-06-02 10:00,UK")
    import_files([path], parse_mapping(rules, "shop.toml"), log)
    ids = {e.message_id for e in log.events_of("ann") if e.kind != "identify"}
    assert ids == {"shop:purchase:1", "shop:product-return:1"}


def test_a_line_without_customer_counts_for_the_item_only(write, shop, log):
    report = import_files([write("a.csv", "7,,CUP,Cup,1,3,2011-06-01 10:00,UK")], shop, log)
    assert report.customers == 0
    assert report.kinds == {"purchase": 1}
    assert [item.item_id for item in log.items()] == ["CUP"]


def test_every_refused_row_has_a_reason_and_an_example(write, shop, log):
    path = write(
        "a.csv",
        CUP,
        "2,ann,POST,Postage,1,18,2011-06-01 10:00,UK",
        "3,ann,CUP,Cup,-5,0,2011-06-01 10:00,UK",
        "4,ann,CUP,Cup,1,-2.50,2011-06-01 10:00,UK",
        "5,ann,CUP,Cup,1,0,2011-06-01 10:00,UK",
        "6,ann,,Cup,1,2,2011-06-01 10:00,UK",
        "7,ann,CUP,Cup,many,2,2011-06-01 10:00,UK",
        "8,ann,CUP,Cup,1,1.2.3,2011-06-01 10:00,UK",
        "9,ann,CUP,Cup,1,2,,UK",
        "10,ann,CUP,Cup,0,2,2011-06-01 10:00,UK",
    )
    report = import_files([path], shop, log)
    shown = {reason: rows.examples[0] for reason, rows in report.refused.items()}
    assert shown == {
        "service line, not a product": Example(path, 3, "what", "POST"),
        "negative quantity, but not a return": Example(path, 4, "pieces", "-5"),
        "negative price": Example(path, 5, "price", "-2.50"),
        "price is zero": Example(path, 6, "price", "0"),
        "item is missing": Example(path, 7, "what", ""),
        "quantity is not a number": Example(path, 8, "pieces", "many"),
        "price is not a number": Example(path, 9, "price", "1.2.3"),
        "time is missing": Example(path, 10, "when", ""),
        "quantity is zero": Example(path, 11, "pieces", "0"),
    }
    assert accounted(report)
    assert f"    {path}, row 5, price '-2.50'" in report.to_lines()


def test_at_most_three_examples_are_shown(write, shop, log):
    rows = [f"{n},ann,POST,Postage,1,18,2011-06-01 10:00,UK" for n in range(9)]
    report = import_files([write("a.csv", CUP, *rows)], shop, log)
    refused = report.refused["service line, not a product"]
    assert refused.count == 9
    assert [e.row for e in refused.examples] == [3, 4, 5]


def test_broken_lines_are_refused_and_rows_after_them_keep_their_number(write, shop, log):
    good = [f"{n},ann,CUP,Cup,1,3,2011-06-01 10:00,UK" for n in range(10, 60)]
    late = "99,ann,CUP,Cup,1,-1,2011-06-01 10:00,UK"
    path = write("a.csv", *good, "1,ann", CUP, "1,ann,too,many,1,2,2011-06-01,UK,x,y", late)
    report = import_files([path], shop, log)
    broken = report.refused["broken line: not as many cells as the header"]
    assert [(e.row, e.value[:5]) for e in broken.examples] == [(52, "1,ann"), (54, "1,ann")]
    assert report.refused["negative price"].examples[0].row == 55
    assert accounted(report)


def test_an_order_id_of_several_customers_is_refused(write, shop, log):
    path = write("a.csv", CUP, PAN.replace("ann", "bob"), CUP.replace("1,", "2,", 1))
    report = import_files([path], shop, log)
    (reason,) = report.refused
    assert reason.startswith("order id shared by several customers")
    assert report.refused[reason].count == 2
    assert len(purchases(log)) == 1


def test_an_order_id_may_be_made_of_several_columns(write, log):
    rules = SHOP.replace('order = "order"', 'order = ["who", "order"]')
    path = write("a.csv", CUP, PAN.replace("ann", "bob"))
    import_files([path], parse_mapping(rules, "shop.toml"), log)
    assert [e.order_id for e in purchases(log)] == ["ann:1"]
    assert [e.order_id for e in purchases(log, "bob")] == ["bob:1"]


def test_rows_without_order_are_events_and_identical_ones_count_apart(write, clicks, log):
    rows = ["ann,CUP,pv,1511544070,home"] * 2 + ["ann,CUP,buy,1511544071,"]
    header = "user,item,type,ts,page"
    path = write("a.csv", *rows, header=header)
    report = import_files([path], clicks, log)
    assert report.kinds == {"item-view": 2, "purchase": 1}
    assert dict(log.events_of("ann")[1].properties) == {"page": "home"}
    other = write("b.csv", rows[0], rows[2], rows[0], header=header)
    assert import_files([other], clicks, log).stored == 0


def test_a_kind_without_entry_is_refused(write, clicks, log):
    rows = ["ann,CUP,pv,1511544070,", "ann,CUP,hug,1511544070,"]
    report = import_files([write("a.csv", *rows, header="user,item,type,ts,page")], clicks, log)
    assert report.refused["value is not in kind.values"].examples[0].value == "hug"


def test_title_is_the_usual_one_and_price_the_latest(write, shop, log):
    path = write(
        "a.csv",
        "1,ann,CUP,Cup,1,3.00,2011-06-01 10:00,UK",
        "2,ann,CUP,Cup,1,4.00,2011-06-03 10:00,UK",
        "3,ann,CUP,CUP BROKEN,1,3.50,2011-06-02 10:00,UK",
        "4,ann,PAN,,1,3.50,2011-06-02 10:00,UK",
    )
    import_files([path], shop, log)
    cup, pan = log.items()
    assert (cup.title, cup.price) == ("Cup", 4.0)
    assert cup.updated_at == datetime(2011, 6, 3, 9, 0, tzinfo=UTC)
    assert pan.title == "PAN"


def test_a_trait_is_told_once_and_again_when_it_changes(write, shop, log):
    rows = [
        f"{n},ann,CUP,Cup,1,3,2011-06-0{n} 10:00,{country}"
        for n, country in enumerate(["UK", "UK", "France", "UK"], start=1)
    ]
    report = import_files([write("a.csv", *rows)], shop, log)
    told = [(e.at.day, e.traits["country"]) for e in log.events_of("ann") if e.traits]
    assert sorted(told) == [(1, "UK"), (3, "France"), (4, "UK")]
    assert report.kinds["identify"] == 3


def test_amount_of_the_line_gives_the_unit_price(write, log):
    rules = SHOP.replace("unit_price", "amount")
    import_files([write("a.csv", CUP)], parse_mapping(rules, "shop.toml"), log)
    (event,) = purchases(log)
    assert event.lines[0].unit_price == 1.75
    assert event.value == 3.5


def test_item_columns_and_filters_on_numbers_and_times(write, log):
    rules = (
        LOG.replace('page = "page"', "")
        + """
[item]
title = "name"
category = "cat"
brand = "maker"
price = "list"
in_stock = "there"
[[refuse]]
reason = "too dear"
column = "list"
above = 100
[[refuse]]
reason = "too old"
before = 2017-01-01T00:00:00Z
[[refuse]]
reason = "no maker"
column = "maker"
missing = true
"""
    )
    path = write(
        "a.csv",
        "ann,CUP,pv,1511544070,Cup,kitchen,Acme,9.5,no",
        "ann,CAR,pv,1511544070,Car,road,Acme,9000,yes",
        "ann,OLD,pv,1011544070,Old,road,Acme,9,yes",
        "ann,NIX,pv,1511544070,Nix,road,,9,yes",
        header="user,item,type,ts,name,cat,maker,list,there",
    )
    report = import_files([path], parse_mapping(rules, "m.toml"), log)
    assert {reason: rows.count for reason, rows in report.refused.items()} == {
        "too dear": 1,
        "too old": 1,
        "no maker": 1,
    }
    (cup,) = log.items()
    assert (cup.title, cup.category, cup.brand) == ("Cup", "kitchen", "Acme")
    assert (cup.price, cup.in_stock) == (9.5, False)
    assert log.events_of("ann")[0].lines == (Line("CUP", 1.0, None, "kitchen", "Acme"),)


def test_progress_goes_from_reading_to_done(write, shop, log):
    seen = []
    import_files([write("a.csv", CUP)], shop, log, progress=lambda *step: seen.append(step))
    shares = [share for _, share in seen]
    assert shares == sorted(shares)
    assert seen[-1] == ("done", 1.0)


def test_a_failure_while_storing_leaves_the_log_as_it_was(write, shop, log):
    path = write("a.csv", CUP)

    def fail(step, share):
        if step == "storing events":
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_files([path], shop, log, progress=fail)
    assert log.summary().events == 0
    assert log.summary().items == 0


def test_nothing_usable_is_an_error_with_the_reasons(write, shop, log):
    path = write("a.csv", CUP.replace("3.50", "-3.50"))
    with pytest.raises(InvalidInput, match="none of the 1 rows can be used") as caught:
        import_files([path], shop, log)
    assert "row 2, price '-3.50'" in caught.value.message
    assert log.summary().events == 0
