"""`nextbest train --table`: from a file to a tracked model with a card that says what was done."""

from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pytest

from domain.errors import InvalidInput, NotFound
from models.manifest import load_model
from training.table import TableAsked, read_table, train_table

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
