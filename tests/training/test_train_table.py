"""`nextbest train --table`: from a file to a tracked model with a card that says what was done."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from domain.errors import InvalidInput, NotFound
from models.manifest import load_model
from training.comparing import compare
from training.reproduction import reproduce
from training.table import TableAsked, read_table, train_table
from training.tracking import Tracker

NOW = datetime(2026, 6, 1, tzinfo=UTC)


def crm(rows=600, seed=4):
    rng = np.random.default_rng(seed)
    visits, source = rng.poisson(3, rows), rng.choice(["ad", "friend", "search"], rows)
    won = rng.random(rows) < 1 / (1 + np.exp(3 - visits * 0.6 - (source == "friend") * 1.5))
    frame = pd.DataFrame({"visits": visits, "source": source, "won": won.astype(int)})
    return frame.assign(invoice=np.where(won, "sent", None), lead_id=[f"L{n}" for n in range(rows)])


@pytest.mark.slow
def test_a_table_becomes_a_released_model_without_the_column_that_leaks(tmp_path, make_home):
    crm().to_csv(tmp_path / "crm.csv", index=False)
    asked = TableAsked(tmp_path / "crm.csv", "won")
    outcome, said = train_table(asked, make_home(), NOW)
    assert outcome.name == "crm_won" and outcome.released
    assert 0.6 < outcome.metrics["auc"].value < 0.95  # with the invoice it would be 1
    assert any("'invoice' seems to know the outcome" in one for one in said)
    card = (outcome.folder / "card.md").read_text()
    assert "invoice" in card and "Does it mean what it says?" in card
    later = load_model(outcome.folder / "model").predict(crm(seed=9))
    friend = crm(seed=9)["source"] == "friend"
    assert later[friend].mean() > later[~friend].mean()


def test_too_few_outcomes_give_a_shrunk_rate_and_say_so(tmp_path, make_home):
    crm(rows=120).to_csv(tmp_path / "crm.csv", index=False)
    outcome, _ = train_table(TableAsked(tmp_path / "crm.csv", "won"), make_home(), NOW)
    assert outcome.reliability == "low" and "a shrunk base rate" in outcome.reliability_reason


def test_files_that_are_no_tables_are_named(tmp_path):
    with pytest.raises(NotFound, match="no table at"):
        read_table(tmp_path / "nothing.csv")
    (tmp_path / "bad.parquet").write_text("no")
    with pytest.raises(InvalidInput, match="cannot be read as a table"):
        read_table(tmp_path / "bad.parquet")


@pytest.mark.slow
def test_a_table_kept_with_its_leak_never_takes_the_place_and_runs_come_out_again(
    tmp_path, make_home
):
    settings, file = make_home(), tmp_path / "crm.csv"
    crm(rows=400).to_csv(file, index=False)
    train_table(TableAsked(file, "won"), settings, NOW)
    leaky, _ = train_table(TableAsked(file, "won", keep=["invoice"]), settings, NOW)
    assert not leaky.released and leaky.version == "2"
    assert "it learned from invoice, which seems to know the outcome" in leaky.reason
    tracker = Tracker.open(settings.home)
    found = compare(tracker, "crm_won/1", "crm_won/2")
    assert {one.metric: one.better for one in found.metrics}["log_loss"] == "second"
    again = reproduce("crm_won/2", settings, NOW)
    assert again.same and again.furthest == 0 and not again.lineage
    crm(rows=420).to_csv(file, index=False)
    other, _ = train_table(TableAsked(file, "won"), settings, NOW)
    assert not other.released and "tested on other rows than version 1" in other.reason
