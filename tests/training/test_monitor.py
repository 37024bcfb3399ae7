"""`nextbest monitor`: calm where nothing changed, a warning where it did, and a cure that holds."""

import json
from datetime import timedelta
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from town import END, NOW, Town
from typer.testing import CliRunner

from domain.errors import NotEnoughData, NotFound
from nextbest import app
from training.champions import score_champion
from training.matured import Matured
from training.monitor import ENOUGH, WARN, Reading, drift, monitor
from training.publishing import publish
from training.recalibration import recalibrated
from training.rows import people_rows
from training.scoring import score_all
from training.tracking import Tracker
from training.workshop import open_workshop

pytestmark = pytest.mark.slow
EARLIER = END - timedelta(days=16)  # churn looks 14 days ahead


@pytest.fixture(scope="module")
def settings(town: Town, tmp_path_factory: pytest.TempPathFactory):
    """The town, whose customers were scored once more in the past: those scores have matured."""
    import shutil
    from dataclasses import replace

    home = tmp_path_factory.mktemp("watched") / "home"
    shutil.copytree(town.settings.home, home, ignore=shutil.ignore_patterns("mlruns"))
    settings = replace(town.settings, home=home)
    score_all(settings, EARLIER, at=NOW)
    return settings


def by_what(readings: list[Reading]) -> dict[str, Reading]:
    return {r.looked_at: r for r in readings}


def test_matured_scores_give_the_live_calibration(settings) -> None:
    found = by_what(monitor(settings, ["churn"], END, at=NOW))
    total, calibration = found["total"], found["calibration"]
    assert total.low < total.value < total.high and 0.5 < total.value < 2
    assert f"scored {EARLIER:%Y-%m-%d}" in calibration.says and calibration.value < 0.2
    assert {"features", "scores", "people"} <= set(found)
    assert found["scores"].value < 0.25  # the town lives on as it did


def test_where_nothing_has_matured_it_says_when_to_look_again(settings) -> None:
    found = by_what(monitor(settings, ["lead_score"], END, at=NOW))
    assert found["what came"].level == "look"
    assert found["what came"].says.startswith(f"no {ENOUGH} scores are 30 days old yet")


def test_a_feature_that_comes_no_more_is_named_with_what_it_gives_the_model(settings) -> None:
    champion = score_champion(Tracker.open(settings.home).champion("churn"))
    leading = next(iter(champion.scorer.importance()))
    with open_workshop(settings, NOW) as shop:
        frame = people_rows(shop, "clv_v1", END)
    same = by_what(list(drift(champion, frame, frame, "then", 0)))
    assert all(r.level == "good" for r in same.values())
    broken = by_what(list(drift(champion, frame, frame.assign(**{leading: np.nan}), "then", 0)))
    assert broken[f"feature {leading}"].level == WARN
    assert leading in broken["people"].says and broken["people"].level == WARN


def falsified(home: Path, factor: float) -> None:
    """Make every probability of churn in the history so much smaller than it was."""
    for file in (home / "offline" / "scores").glob("*.parquet"):
        table = pq.read_table(file)
        texts = [json.loads(text) for text in table["records"].to_pylist()]
        for records in texts:
            if "churn" in records:
                records["churn"]["probability"] *= factor
        column = pa.array([json.dumps(records) for records in texts])
        at = table.schema.get_field_index("records")
        pq.write_table(table.set_column(at, "records", column), file)


def test_a_score_whose_size_went_off_is_a_warning_and_few_scores_mend_nothing(
    settings, make_copy
) -> None:
    copy = make_copy(settings)
    falsified(copy.home, 0.2)
    before = by_what(monitor(copy, ["churn"], END, at=NOW))
    assert before["calibration"].level == WARN and "--recalibrate" in before["calibration"].says
    assert before["total"].level == WARN, before["total"]
    after = by_what(monitor(copy, ["churn"], END, at=NOW, recalibrate=True))
    assert "to recalibrate takes 500 with 100" in after["recalibration"].says


def matured(said: np.ndarray, version: str = "1") -> Matured:
    """Return scores of 2,000 customers of whom three in ten did it, the likelier the higher."""
    rng = np.random.default_rng(4)
    true = rng.beta(2, 4.7, 2000)
    y = (rng.random(2000) < true).astype(float)
    who = np.array([f"p{n}" for n in range(2000)])
    return Matured(version, EARLIER, said if len(said) else true, y, who)


def test_what_is_off_learns_its_size_anew_and_what_is_right_stays(settings, make_copy) -> None:
    copy = make_copy(settings)
    tracker = Tracker.open(copy.home)
    champion, right = score_champion(tracker.champion("churn")), matured(np.empty(0))
    with open_workshop(copy, NOW) as shop:
        frame = people_rows(shop, "clv_v1", END)
        kept = publish(tracker, recalibrated(shop, champion, right), NOW)
        assert not kept.released and "champion" in kept.reason
        assert score_champion(tracker.champion("churn")).version == "1"
        off = Matured("1", EARLIER, right.score * 0.4, right.y, right.customers)
        mended = publish(tracker, recalibrated(shop, champion, off), NOW)
        assert mended.released and mended.gains["champion"].low > 0
        with pytest.raises(NotEnoughData, match="are of version 0, released is version 1"):
            recalibrated(shop, champion, matured(np.empty(0), version="0"))
    made = score_champion(tracker.champion("churn"))
    was, now = champion.scorer.predict(frame), made.scorer.predict(frame)
    assert (np.diff(now[np.argsort(was)]) >= 0).all()  # the order stands
    assert (now > was)[(was > 0.05) & (was < 0.4)].all()  # foretold of too few
    np.testing.assert_array_equal(
        made.explainer.contributions(frame), champion.explainer.contributions(frame)
    )


def test_cron_reads_the_exit_code_and_programs_read_json(
    settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NEXTBEST_HOME", str(settings.home))
    monkeypatch.setenv("NEXTBEST_THREADS", "1")
    done = CliRunner().invoke(app, ["monitor", "churn", "--json"])
    readings = json.loads(done.stdout)
    assert {r["model"] for r in readings} == {"churn"}
    assert done.exit_code == (1 if any(r["level"] == "warn" for r in readings) else 0)


def test_a_name_that_is_no_released_score_is_an_error_with_the_cure(settings) -> None:
    with pytest.raises(NotFound, match="no released model of loyalty; run `nextbest train` first"):
        monitor(settings, ["churn", "loyalty"], END, at=NOW)
