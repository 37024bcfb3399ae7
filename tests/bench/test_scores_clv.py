import subprocess
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from order_files import read_orders

from domain.errors import InvalidInput

ROOT = Path(__file__).parents[2]


def orders(customers=260, days=420, seed=3):
    """A shop whose columns have names of their own; two orders of a day, a return, a gap."""
    rng = np.random.default_rng(seed)
    rows = []
    for number in range(customers):
        pace, size = rng.gamma(1.5, 0.02), rng.lognormal(3, 0.6)
        for day in np.flatnonzero(rng.random(days) < pace):
            at = pd.Timestamp("2023-01-01") + pd.Timedelta(days=int(day), hours=9)
            rows.append((f"K-{number}", at, round(size * rng.gamma(4, 0.25), 2)))
    frame = pd.DataFrame(rows, columns=["clientId", "Order Date", "netAmount"])
    odd = pd.DataFrame(
        [("K-1", pd.Timestamp("2023-02-02"), -5.0), (None, pd.Timestamp("2023-02-02"), 9.0)],
        columns=frame.columns,
    )
    return pd.concat([frame, odd], ignore_index=True)


def run(*words):
    command = [sys.executable, str(ROOT / "bench" / "scores_clv.py"), *map(str, words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.slow
@pytest.mark.parametrize("task", ["clv", "churn"])
def test_a_file_never_seen_gives_a_table_of_ours_and_the_baselines(task, tmp_path):
    orders().to_csv(tmp_path / "sales.csv", index=False)
    done = run("--task", task, "--data", tmp_path / "sales.csv", "--horizon", 60)
    assert done.returncode == 0, done.stderr
    assert "customer 'clientId', date 'Order Date', amount 'netAmount'" in done.stderr
    names = [line.split("|")[1].strip() for line in done.stdout.splitlines()]
    assert "nextbest" in names and any(name.startswith("MBG/NBD") for name in names)


def test_a_column_that_cannot_be_guessed_is_asked_for(tmp_path):
    orders().rename(columns={"clientId": "who"}).to_csv(tmp_path / "sales.csv", index=False)
    with pytest.raises(InvalidInput, match="--customer, one of who, Order Date, netAmount"):
        read_orders(tmp_path / "sales.csv")
    named = read_orders(tmp_path / "sales.csv", customer="who")
    assert len(np.unique(named.purchases.customer)) > 200


def test_a_folder_is_read_in_time_order_and_an_overlap_counts_once(tmp_path):
    frame = orders()
    early = frame[frame["Order Date"] < "2023-08-01"]
    late = frame[frame["Order Date"] >= "2023-07-01"]
    early.to_parquet(tmp_path / "b.parquet")
    late.to_parquet(tmp_path / "a.parquet")
    frame.to_parquet(tmp_path / "whole.parquet")
    whole = read_orders(tmp_path / "whole.parquet")
    (tmp_path / "whole.parquet").unlink()
    parts = read_orders(tmp_path)
    assert parts.purchases.spend.sum() == pytest.approx(whole.purchases.spend.sum())
    assert (whole.purchases.spend > 0).all()


def test_price_times_quantity_is_the_amount(tmp_path):
    frame = orders().rename(columns={"netAmount": "UnitPrice"}).assign(Quantity=2)
    frame.to_csv(tmp_path / "lines.csv", index=False)
    found = read_orders(tmp_path / "lines.csv")
    assert "amount 'Quantity x UnitPrice'" in found.said
    kept = frame[(frame["UnitPrice"] > 0) & frame["clientId"].notna()]
    assert found.purchases.spend.sum() == pytest.approx(2 * kept["UnitPrice"].sum())


def test_a_file_that_holds_no_orders_says_what_is_missing(tmp_path):
    pd.DataFrame({"clientId": ["a"], "date": ["soon"], "total": [1.0]}).to_csv(
        tmp_path / "x.csv", index=False
    )
    with pytest.raises(InvalidInput, match="most values are no dates"):
        read_orders(tmp_path / "x.csv")
