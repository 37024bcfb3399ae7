"""Bad input as a new user would meet it: one clear sentence with the cure, and an untouched log."""

import gzip
from pathlib import Path

import pytest

from domain.errors import InvalidInput, InvalidMapping
from feature_repo.importing import import_files
from feature_repo.importing.mapping import parse_mapping

from .conftest import HEADER, SHOP

CUP = "1,ann,CUP,Cup,2,3.50,2011-06-01 10:00,UK"


@pytest.fixture
def refusal(shop, log):
    """Import and return the message of the error, having checked that nothing was stored."""

    def told(*paths: str, rules=shop) -> str:
        with pytest.raises(InvalidInput) as caught:
            import_files(list(paths), rules, log)
        assert log.last_seq() == 0
        return caught.value.message

    return told


def test_missing_file_names_the_nearest(write, refusal, tmp_path):
    write("orders.csv", CUP)
    message = refusal(str(tmp_path / "order.csv"))
    assert message.startswith(f"there is no file {tmp_path}/order.csv")
    assert message.endswith("did you mean 'orders.csv'?")


def test_glob_without_match_folder_and_nothing(refusal, tmp_path):
    assert "no file matches" in refusal(str(tmp_path / "*.csv"))
    assert f"{tmp_path} is a folder; name its files" in refusal(str(tmp_path))
    assert "the folder /nowhere does not exist" in refusal("/nowhere/a.csv")
    assert "name at least one" in refusal()


def test_empty_files(refusal, tmp_path, write):
    (tmp_path / "empty.csv").touch()
    (tmp_path / "blank.csv").write_text("\n \n")
    (tmp_path / "empty.csv.gz").write_bytes(gzip.compress(b""))
    assert "empty.csv is empty (0 bytes)" in refusal(str(tmp_path / "empty.csv"))
    assert "blank.csv holds no text" in refusal(str(tmp_path / "blank.csv"))
    assert "empty.csv.gz holds no text" in refusal(str(tmp_path / "empty.csv.gz"))
    assert "a header but no rows" in refusal(write("header.csv"))


def test_wrong_encoding_names_row_byte_and_cure(refusal, tmp_path):
    path = tmp_path / "latin.csv"
    path.write_bytes(f"{HEADER}\n{CUP}\n{CUP.replace('Cup', 'Café')}\n".encode("latin-1"))
    message = refusal(str(path))
    assert message.startswith(f"{path}, row 3: the byte 0xE9 after ")
    assert 'encoding = "latin-1"' in message


@pytest.mark.parametrize("encoding", ["latin-1", "cp1252", "utf-16", "utf-8-sig"])
def test_the_encoding_of_the_mapping_is_used(log, tmp_path, encoding):
    path = tmp_path / "a.csv"
    path.write_bytes(f"{HEADER}\n{CUP.replace('Cup', 'Café')}\n".encode(encoding))
    rules = parse_mapping(SHOP + f'[file]\nencoding = "{encoding}"\n', "shop.toml")
    import_files([str(path)], rules, log)
    assert [item.title for item in log.items()] == ["Café"]


def test_utf16_is_recognised_and_a_utf8_mark_is_no_matter(refusal, shop, log, tmp_path):
    path = tmp_path / "a.csv"
    path.write_bytes(f"{HEADER}\n{CUP}\n".encode("utf-16"))
    assert "looks like utf-16" in refusal(str(path))
    path.write_bytes(f"{HEADER}\n{CUP}\n".encode("utf-8-sig"))
    assert import_files([str(path)], shop, log).stored == 2


def test_missing_column_names_key_nearest_and_what_is_there(write, refusal):
    path = write("a.csv", CUP, header=HEADER.replace("price", "Price"))
    message = refusal(path)
    assert f"{path} has no column 'price' (mapping key columns.unit_price)" in message
    assert "did you mean 'Price'?" in message
    assert "Its columns are 'order', 'who'" in message


def test_a_delimiter_that_is_not_found_is_hinted_at(write, refusal):
    message = refusal(write("a.csv", CUP.replace(",", "~"), header=HEADER.replace(",", "~")))
    assert "set 'file.delimiter'" in message


def test_two_time_formats_in_one_column_refuse_the_import(write, refusal):
    rows = [CUP] * 5 + [CUP.replace("2011-06-01 10:00", "23/06/2011 10:00")] * 3
    message = refusal(write("a.csv", *rows))
    assert "3 of 8 times in column 'when' do not fit the format 'iso'" in message
    assert "row 2 '2011-06-01 10:00' fits, row 7 '23/06/2011 10:00' does not" in message
    assert "it looks like '%d/%m/%Y %H:%M'" in message
    assert "Bring the column to one format" in message


def test_a_wrong_time_format_is_told_with_the_right_one(write, clicks, refusal):
    header = "user,item,type,ts,page"
    path = write("a.csv", "ann,CUP,pv,1511544070000,", header=header)
    with_millis = refusal(path, rules=clicks)
    assert "it looks like 'unix_ms'. Set 'time.format' in clicks.toml" in with_millis


def test_a_few_bad_times_are_refused_by_row(write, shop, log):
    rows = [CUP.replace("1,", f"{n},", 1) for n in range(30)]
    report = import_files([write("a.csv", *rows, CUP.replace("2011-06-01", "soon"))], shop, log)
    refused = report.refused["time does not fit the format 'iso'"]
    assert refused.examples[0].row == 32
    assert refused.examples[0].value == "soon 10:00"


@pytest.mark.parametrize(
    ("start", "what"),
    [
        (b"PK\x03\x04 sheet", "a zip or Excel file"),
        (b"%PDF-1.7", "a PDF"),
        (b"BZh9", "a bzip2 file"),
    ],
)
def test_other_kinds_of_files_are_named(refusal, tmp_path, start, what):
    (tmp_path / "a.csv").write_bytes(start)
    assert f"a.csv is {what}" in refusal(str(tmp_path / "a.csv"))


def test_damaged_files(refusal, tmp_path):
    (tmp_path / "a.csv.gz").write_bytes(gzip.compress(CUP.encode() * 1000)[:-20])
    (tmp_path / "b.parquet").write_bytes(b"PAR1 and then nothing of the kind PAR1")
    assert "a.csv.gz is a damaged gzip file" in refusal(str(tmp_path / "a.csv.gz"))
    assert "b.parquet cannot be read" in refusal(str(tmp_path / "b.parquet"))


def test_a_header_that_is_not_first_or_not_unique(write, refusal):
    assert "begins with an empty line" in refusal(write("a.csv", HEADER, CUP, header=""))
    twice = HEADER.replace("title", "who")
    assert "more than one column named 'who'; rename" in refusal(write("b.csv", CUP, header=twice))


def test_columns_named_by_the_mapping_must_be_all_columns(write, refusal):
    rules = parse_mapping(SHOP + f"[file]\nheader = false\ncolumns = {HEADER.split(',')}", "s.toml")
    message = refusal(write("a.csv", CUP, header=CUP + ",extra"), rules=rules)
    assert "has 9 cells in its first row, but 'file.columns' in s.toml names 8" in message


def test_an_open_quote_loses_lines_and_says_how_many(write, shop, log):
    rows = [CUP, CUP.replace("Cup", '"Cup'), CUP, CUP]
    report = import_files([write("a.csv", *rows)], shop, log)
    ((reason, lost),) = report.refused.items()
    assert "a quote is not closed" in reason
    assert (report.rows_read, lost.count, lost.examples[0].row) == (4, 3, 3)


def test_mixed_line_ends_and_hash_signs_are_nothing_special(shop, log, tmp_path):
    rows = [HEADER + "\r\n", CUP + "\n", CUP.replace("ann", "#1").replace("1,", "2,", 1) + "\r\n"]
    (tmp_path / "a.csv").write_bytes("".join(rows).encode())
    report = import_files([str(tmp_path / "a.csv")], shop, log)
    assert (report.rows_used, report.customers) == (2, 2)


def test_binary_rubbish_is_refused(refusal, tmp_path):
    (tmp_path / "a.csv").write_bytes(bytes(range(1, 256)) * 40)
    assert "is not utf-8" in refusal(str(tmp_path / "a.csv"))


def test_one_bad_file_among_good_ones_imports_nothing(write, refusal, tmp_path):
    good = write("a.csv", CUP)
    bad = write("b.csv", CUP, header=HEADER.replace("who", "customer"))
    assert "b.csv has no column 'who'" in refusal(good, bad)


def test_a_mapping_for_a_missing_column_is_an_invalid_mapping(write, shop, log):
    path = write("a.csv", CUP, header=HEADER.replace("who", "customer"))
    with pytest.raises(InvalidMapping):
        import_files([path], shop, log)


def test_text_that_looks_like_sql_stays_text(write, shop, log, tmp_path):
    odd = "it's; DROP TABLE rows --"
    import_files([write("o'clock.csv", CUP.replace("ann", odd))], shop, log)
    assert log.events_of(odd)
    assert Path(tmp_path / "o'clock.csv").exists()
