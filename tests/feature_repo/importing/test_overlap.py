"""The same rows in two files count once, whatever the files and however they are given."""

from feature_repo.importing import import_files

A = "1,ann,CUP,Cup,2,3.50,2011-06-01 10:00,UK"
B = "1,ann,PAN,Pan,1,20,2011-06-01 10:02,UK"
C = "2,bob,CUP,Cup,1,3.50,2011-06-02 10:00,UK"
D = "3,bob,PAN,Pan,1,20,2011-06-03 10:00,UK"


def value_of(log, customer):
    return sum(e.value or 0 for e in log.events_of(customer))


def test_an_order_in_two_files_is_one_event(write, shop, log):
    report = import_files([write("a.csv", A, B, C), write("b.csv", C, D)], shop, log)
    assert report.kinds["purchase"] == 3
    assert report.rows_repeated == 1
    assert value_of(log, "bob") == 23.5
    assert not report.warnings


def test_overlapping_files_give_the_same_log_together_and_one_by_one(write, shop, log):
    first, second = write("a.csv", A, B, C), write("b.csv", C, D)
    import_files([first], shop, log)
    report = import_files([second], shop, log)
    assert report.kinds == {"identify": 1, "purchase": 2}
    assert report.duplicates == 2  # order 2, and what it tells of bob
    assert import_files([first, second], shop, log).stored == 0


def test_an_order_cut_in_two_by_the_export_is_joined_and_told(write, shop, log):
    report = import_files([write("a.csv", A), write("b.csv", B, D)], shop, log)
    assert value_of(log, "ann") == 27.0
    assert report.rows_repeated == 0
    assert report.warnings[0].startswith("1 orders are not the same in all files (1 in ")


def test_an_order_changed_in_a_later_file_is_told_and_not_counted_twice(write, shop, log):
    changed = A.replace(",2,3.50,", ",5,3.50,")
    report = import_files([write("a.csv", A, B), write("b.csv", changed, B)], shop, log)
    assert value_of(log, "ann") == 27.0
    assert report.rows_repeated == 2
    assert "1 orders are not the same in all files" in report.warnings[0]


def test_an_order_that_the_log_has_with_other_content_is_told(write, shop, log):
    import_files([write("a.csv", A)], shop, log)
    report = import_files([write("b.csv", A, B)], shop, log)
    assert report.stored == 0
    assert "1 orders are in the log already with other content (such as 1)" in report.warnings[0]
    assert value_of(log, "ann") == 7.0


def test_identical_rows_within_a_file_are_kept_and_across_files_dropped(write, clicks, log):
    header = "user,item,type,ts,page"
    view = "ann,CUP,pv,1511544070,"
    files = [
        write("a.csv", view, view, header=header),
        write("b.csv", view, view, view, header=header),
    ]
    report = import_files(files, clicks, log)
    assert report.events_made == 3  # the most that any one file has
    assert report.rows_repeated == 2


def test_a_file_named_twice_is_read_once(write, shop, log, tmp_path):
    path = write("a.csv", A)
    report = import_files([path, str(tmp_path / "*.csv"), path], shop, log)
    assert report.files == (path,)
    assert report.rows_read == 1


def test_the_order_of_the_files_does_not_matter(write, shop, log, tmp_path):
    from feature_repo.event_log import EventLog

    first, second = write("a.csv", A, B, C), write("b.csv", C, D)
    import_files([first, second], shop, log)
    other = EventLog(tmp_path / "other")
    import_files([second, first], shop, other)
    assert log.events_of("bob") == other.events_of("bob")
    assert list(log.items()) == list(other.items())
    other.close()
