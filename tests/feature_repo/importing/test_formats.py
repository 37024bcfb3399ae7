"""CSV, gzip and Parquet hold the same rows; a mapping says how a file is written."""

import gzip
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from feature_repo.importing import import_files
from feature_repo.importing.mapping import parse_mapping

from .conftest import HEADER, LOG, SHOP

CUP = "1,ann,CUP,Cup,2,3.50,2011-06-01 10:00,UK"
PAN = "1,ann,PAN,Pan,1,20,2011-06-01 10:02,UK"


def purchases(log, customer="ann"):
    return [e for e in log.events_of(customer) if e.kind == "purchase"]


def test_csv_gzip_and_parquet_make_the_same_events(write, shop, log, tmp_path):
    path = write("a.csv", CUP, PAN)
    (tmp_path / "b.csv.gz").write_bytes(gzip.compress((tmp_path / "a.csv").read_bytes()))
    rows = [line.split(",") for line in (CUP, PAN)]
    names = ["order", "who", "what", "title", "pieces", "price", "when", "country"]
    table = pa.table({n: [row[i] for row in rows] for i, n in enumerate(names)})
    times = [datetime.fromisoformat(row[6]) for row in rows]
    table = table.set_column(6, "when", pa.array(times, pa.timestamp("ns")))
    table = table.set_column(5, "price", pa.array([3.5, 20.0]))
    pq.write_table(table, tmp_path / "c.parquet")
    import_files([path], shop, log)
    for other in ("b.csv.gz", "c.parquet"):
        report = import_files([str(tmp_path / other)], shop, log)
        assert (report.stored, report.duplicates, report.warnings) == (0, 2, ())


def test_whole_number_ids_written_as_decimals_are_read_without(write, shop, log):
    path = write("a.csv", CUP.replace("ann", "13085.0"))
    report = import_files([path], shop, log)
    assert purchases(log, "13085")
    assert report.warnings == (f"{path}: 'who' is written with '.0' behind; read without",)


def test_decimal_comma_and_semicolons(write, log):
    rules = SHOP + '[file]\ndecimal = ","\n'
    row = CUP.replace(",", ";").replace("3.50", "1.003,50")
    path = write("a.csv", row, header=HEADER.replace(",", ";"))
    import_files([path], parse_mapping(rules, "shop.toml"), log)
    assert purchases(log)[0].value == 2007.0


def test_a_file_without_header_is_read_by_the_columns_of_the_mapping(tmp_path, log):
    rules = LOG.replace('[properties]\npage = "page"', "") + (
        '[file]\nheader = false\ncolumns = ["user", "item", "type", "ts"]\n'
    )
    (tmp_path / "a.csv").write_text("ann,CUP,pv,1511544070\nann,PAN,hug,1511544070\n")
    report = import_files([str(tmp_path / "a.csv")], parse_mapping(rules, "m.toml"), log)
    assert report.kinds == {"item-view": 1}
    assert report.refused["value is not in kind.values"].examples[0].row == 2
