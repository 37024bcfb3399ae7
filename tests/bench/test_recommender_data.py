import gzip

import numpy as np
import pandas as pd
import pytest
from recommender_data import load_task
from recommender_files import Wanted, read_log

from domain.errors import InvalidInput
from models.list_quality import quality_by_user

ANY = Wanted()


def table_of(acts):
    return pd.DataFrame(acts, columns=["CustomerID", "StockCode", "InvoiceDate"])


def csv_file(acts, path):
    table_of(acts).to_csv(path, index=False)


def dated_csv(acts, path):
    frame = table_of(acts)
    frame["InvoiceDate"] = pd.to_datetime(frame["InvoiceDate"], unit="s").astype(str)
    frame.assign(Description="a, b").to_csv(path, index=False)


def zipped_tsv(acts, path):
    text = "user_id:token\titem_id:token\ttimestamp:float\n"
    text += "\n".join("\t".join(map(str, row)) for row in acts)
    path.write_bytes(gzip.compress(text.encode()))


def colons(acts, path):
    path.write_text("\n".join(f"{u}::{i}::5::{t}" for u, i, t in acts))


def blanks(acts, path):
    path.write_text("\n".join(f"{u} {i} 3.5 {t}" for u, i, t in acts))


def parquet_file(acts, path):
    table_of(acts).to_parquet(path)


FORMS = [csv_file, dated_csv, zipped_tsv, colons, blanks, parquet_file]


@pytest.mark.parametrize("write", FORMS, ids=lambda form: form.__name__)
def test_every_form_of_file_says_the_same(write, acts, tmp_path):
    path = tmp_path / "acts"  # the content tells the form, not the name
    write(acts, path)
    log = read_log(path, ANY)
    assert log.users.tolist() == [user for user, _, _ in acts] and log.clock
    assert log.items.tolist() == [item for _, item, _ in acts]
    assert log.times.tolist() == [second * 1e6 for _, _, second in acts]


def test_lines_of_a_user_and_items_are_in_order(tmp_path):
    (tmp_path / "acts.txt").write_text("a x y z\nb y\n\nc x z\n")
    log = read_log(tmp_path / "acts.txt", ANY)
    assert list(zip(log.users, log.items, strict=True))[:4] == [
        ("a", "x"),
        ("a", "y"),
        ("a", "z"),
        ("b", "y"),
    ]
    assert log.times is None


def test_a_folder_is_read_as_one_table_and_other_tables_are_left_out(acts, tmp_path):
    table_of(acts[:1000]).to_parquet(tmp_path / "2010.parquet")
    table_of(acts[1000:]).to_parquet(tmp_path / "2011.parquet")
    pd.DataFrame({"movie_id": [1], "title": ["x"]}).to_parquet(tmp_path / "movies.parquet")
    (tmp_path / "README.md").write_text("user item")
    assert len(read_log(tmp_path, ANY).users) == len(acts)


def test_rows_with_a_gap_are_left_out_and_counted(tmp_path):
    frame = pd.DataFrame({"user": [1.0, None, 3.0], "item": ["a", "b", "c"]})
    frame.to_parquet(tmp_path / "x.parquet")
    log = read_log(tmp_path / "x.parquet", ANY)
    assert log.users.tolist() == ["1", "3"] and log.notes == ("1 rows with a gap left out",)


@pytest.mark.parametrize(
    ("text", "wanted", "message"),
    [
        ("who,what\na,b\n", ANY, "which column is the user.*who, what.*--user"),
        ("user,what\na,b\n", ANY, "which column is the item"),
        ("user,item\na,b\n", Wanted(time="when"), "--time: acts.csv has no column 'when'"),
        ("", ANY, "empty"),
        ("user,item\n", ANY, "no row"),
    ],
)
def test_a_file_that_cannot_be_read_is_refused_with_the_cure(text, wanted, message, tmp_path):
    (tmp_path / "acts.csv").write_text(text)
    with pytest.raises(InvalidInput, match=message):
        read_log(tmp_path / "acts.csv", wanted)


def test_given_asks_for_what_the_test_file_holds(given_folder, acts):
    task = load_task(given_folder, "given", ANY, None, 1, 0)
    assert task.split.wanted.sum() == len(acts[::5])
    assert not task.split.targets.multiply(task.split.seen).nnz
    cut = task.cut()
    assert set(cut.train.item_ids) <= set(task.split.train.item_ids)
    assert len(cut.train) + cut.wanted.sum() == len(task.split.train)
    assert 0.1 < cut.wanted.sum() / len(task.split.train) < 0.3


def test_given_without_its_files_says_so(tmp_path):
    with pytest.raises(InvalidInput, match=r"lacks train.txt"):
        load_task(tmp_path, "given", ANY, None, 1, 0)


def test_the_last_new_item_of_each_user_is_left_out(tmp_path):
    lines = ["a 1", "a 2", "b 1", "a 3", "a 2", "b 2", "c 3"] + [
        f"z{n} {n % 3 + 1}" for n in range(20)
    ]
    (tmp_path / "acts.txt").write_text("\n".join(lines))
    split = load_task(tmp_path / "acts.txt", "leave-last-out", ANY, None, 1, 0).split
    asked = [str(split.train.user_ids[user]) for user in split.users]
    assert asked == ["a", "b"]  # the others have one item
    found = [split.train.item_ids[row.indices].tolist() for row in split.targets]
    assert found == [["3"], ["2"]]
    assert [list(history.item_ids) for history in split.histories] == [["1", "2"], ["1"]]


def test_with_a_time_cut_no_model_sees_later_acts(acts, tmp_path):
    csv_file(acts, tmp_path / "acts.csv")
    split = load_task(tmp_path / "acts.csv", "time", ANY, "2020-11-01", 1, 0).split
    border = pd.Timestamp("2020-11-01").value // 1000
    assert split.train.times.max() < border
    later = {(user, item) for user, item, second in acts if second * 1e6 >= border}
    asked = split.targets.tocoo()
    for row, column in zip(asked.row, asked.col, strict=True):
        pair = (split.train.user_ids[split.users[row]], split.train.item_ids[column])
        assert tuple(map(str, pair)) in later
    assert asked.nnz == split.wanted.sum()


@pytest.mark.parametrize(("cut", "message"), [("soon", "not a date"), ("1999-01-01", "outside")])
def test_a_cut_that_cannot_be_is_refused(cut, message, acts, tmp_path):
    csv_file(acts, tmp_path / "acts.csv")
    with pytest.raises(InvalidInput, match=message):
        load_task(tmp_path / "acts.csv", "time", ANY, cut, 1, 0)


def test_metrics_agree_with_counting_by_hand():
    hits = np.zeros((2, 20), dtype=bool)
    hits[0, [0, 12]] = True
    found = quality_by_user(hits, np.array([4, 1]), (10, 20))
    assert found["recall@20"].tolist() == [0.5, 0.0] and found["recall@10"].tolist() == [0.25, 0]
    gain = 1 / np.log2(np.arange(20) + 2)
    assert found["ndcg@20"][0] == pytest.approx((gain[0] + gain[12]) / gain[:4].sum())
    assert found["ndcg@10"][0] == pytest.approx(gain[0] / gain[:4].sum())
