"""The built-in mappings on the real files, against figures counted from them by other means."""

import duckdb
import pytest

from feature_repo.importing import import_files, load_mapping

SERVICE = (
    "regexp_full_match(trim(StockCode), 'POST|DOT|C2|C3|[Mm]|D|B|ADJUST[0-9]*|BANK CHARGES"
    "|AMAZONFEE|CRUK|S|PADS|TEST.*|gift_.*|GIFT') OR Invoice LIKE 'A%'"
)


@pytest.fixture
def retail(real_data):
    return sorted(str(p) for p in real_data("online_retail_ii").glob("*.parquet"))


def total(report):
    return sum(rows.count for rows in report.refused.values())


@pytest.mark.slow
def test_online_retail_counts_the_overlap_once(retail, log):
    report = import_files(retail, load_mapping("online_retail_ii"), log)
    whole = duckdb.sql(
        f"""
        FROM read_parquet({retail}, filename = true)
        WHERE NOT ({SERVICE}) AND Price > 0 AND (Quantity > 0 OR Invoice LIKE 'C%')
        AND (filename NOT LIKE '%2010_2011%' OR InvoiceDate >= TIMESTAMP '2010-12-10')
        """
    )
    invoices, customers, items, rows, sold, returned = whole.aggregate(
        """
        count(DISTINCT Invoice), count(DISTINCT "Customer ID"),
        count(DISTINCT upper(trim(StockCode))), count(*),
        sum(Quantity * Price) FILTER (Invoice NOT LIKE 'C%'),
        -sum(Quantity * Price) FILTER (Invoice LIKE 'C%')
        """
    ).fetchone()
    assert report.rows_read == 525_461 + 541_909
    assert report.rows_used == rows
    assert report.rows_used + report.rows_repeated + total(report) == report.rows_read
    assert report.kinds["purchase"] + report.kinds["product-return"] == invoices
    assert (report.customers, report.items) == (customers, items)
    money = "SELECT kind, sum(value) FROM events WHERE value IS NOT NULL GROUP BY kind"
    assert dict(log._rows(money)) == pytest.approx(
        {"purchase": sold, "product-return": returned}, abs=0.01
    )
    assert f"{report.first_at:%F %T}" == "2009-12-01 07:45:00"  # winter: London is UTC
    assert f"{report.last_at:%F %T}" == "2011-12-09 12:50:00"
    assert not report.warnings
    orders = "SELECT count(*) FROM events WHERE kind <> 'identify'"
    before = log._rows(orders)
    import_files(retail[1:], load_mapping("online_retail_ii"), log)
    assert log._rows(orders) == before


@pytest.mark.slow
def test_taobao_is_the_log_without_rows_outside_its_nine_days(real_data, log):
    path = str(real_data("taobao_userbehavior_block") / "user_behavior.parquet")
    report = import_files([path], load_mapping("taobao"), log)
    assert report.rows_read == 84_475
    assert report.kinds == {
        "item-view": 75_872 - 35,
        "add-to-cart": 4_497,
        "add-wishlist": 2_356,
        "purchase": 1_750,
    }
    assert report.customers == 815
    assert total(report) == 35
    assert list(report.refused) == ["outside 2017-11-25 to 2017-12-03, Beijing time"]
    assert import_files([path], load_mapping("taobao"), log).stored == 0
