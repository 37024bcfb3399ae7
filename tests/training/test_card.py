"""The card of a score: bands, slices, effects, and the page that holds them all."""

import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from training.bands import banded
from training.bootstrap import Sample
from training.card import PLOTS, Card
from training.checks import history_check, outcome_checks
from training.effects import partial_effects
from training.examination import MODEL, draw_plots, examine
from training.metrics import METRICS
from training.sections import Section, to_markdown, to_page
from training.slices import groups_of_shop, groups_of_table, sliced


class Risen:
    """A scorer that looks at one column alone."""

    def predict(self, X: pd.DataFrame) -> np.ndarray:
        return np.clip(X["visits"].to_numpy(float) / 20, 0, 1)


def people(count: int = 1000, seed: int = 3) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    p = rng.uniform(0.02, 0.9, count)
    return (rng.random(count) < p).astype(float), p


@pytest.mark.parametrize("unit", ["probability", "amount"])
def test_bands_hold_everybody_best_first_and_in_the_end_all_is_found(unit: str) -> None:
    y, p = people(997)
    if unit == "amount":
        y = y * np.random.default_rng(0).lognormal(3, 1, len(y))
    bands = banded(y, p, unit)
    assert sum(b.customers for b in bands) == 997
    assert [b.predicted for b in bands] == sorted((b.predicted for b in bands), reverse=True)
    assert bands[-1].found == pytest.approx(1)
    assert all(b.low <= b.observed <= b.high for b in bands)
    assert sum(b.observed * b.customers for b in bands) == pytest.approx(y.sum())


def test_a_band_is_off_where_the_score_is_and_not_where_it_is_right() -> None:
    y, p = people(5000)
    assert sum(b.is_off for b in banded(y, p, "probability")) <= 3  # of ten, each at 10 % by luck
    assert all(b.is_off for b in banded(y, p / 3, "probability"))


def test_fewer_people_than_bands_give_as_many_bands_as_people() -> None:
    assert len(banded(np.array([1.0, 0.0, 0.0]), np.array([0.3, 0.3, 0.3]), "probability")) == 3


def test_a_slice_for_whom_the_score_is_wrong_is_found_and_a_small_one_marked() -> None:
    y, p = people(2000)
    country = np.where(np.arange(2000) < 60, "FR", np.where(np.arange(2000) % 2, "DE", "AT"))
    said = np.where(country == "AT", p / 2, p)
    found = {s.value: s for s in sliced(y, said, "probability", {"country": country})}
    assert found["AT"].band.is_off and not found["DE"].band.is_off
    assert found["FR"].is_small and not found["DE"].is_small
    inside = country == "DE"
    assert found["DE"].auc == METRICS["auc"].of(y[inside], said[inside])


def test_a_shop_is_sliced_by_new_and_old_country_and_channel_where_there_are_two() -> None:
    X = pd.DataFrame(
        {
            "customer_age_days": [3.0, 200.0, 10.0],
            "country": ["DE", None, "FR"],
            "top_touchpoint": ["web", "web", "web"],
        }
    )
    groups = groups_of_shop(X, 30)
    assert groups["first seen (30 days)"].tolist() == ["new", "known longer", "new"]
    assert groups["country"].tolist() == ["DE", "not known", "FR"]
    assert "channel" not in groups  # all came by the same


def test_columns_of_a_table_with_telling_names_are_looked_at_first() -> None:
    X = pd.DataFrame({c: ["a", "b"] * 3 for c in ("size", "shape", "colour", "taste", "channel")})
    assert next(iter(groups_of_table(X.assign(age=range(6))))) == "channel"


def test_a_partial_effect_rises_with_the_score_and_is_flat_where_nothing_is_looked_at() -> None:
    X = pd.DataFrame({"visits": range(20), "city": ["Bonn", "Graz"] * 10})
    before = X.copy()
    rising, flat = partial_effects(Risen(), X, ["visits", "city"], seed=0)
    means = [mean for _, mean in rising.points]
    assert means == sorted(means) and rising.span > 0.5
    assert flat.span == 0 and {v for v, _ in flat.points} == {"Bonn", "Graz"}
    pd.testing.assert_frame_equal(X, before)


def card_of(tmp_path: Path, *, tested: bool) -> Card:
    y, p = people(400)
    X = pd.DataFrame({"visits": (p * 20).round(), "source": np.where(p > 0.4, "<b>ad</b>", "x|y")})
    effects = partial_effects(Risen(), X, ["visits"], 0)
    scores = {MODEL: p, "recency": 1 - p}
    seen = examine("probability", y, scores, groups_of_table(X), effects) if tested else None
    importance = {"visits": 1.0} if tested else {}
    draw_plots(tmp_path / PLOTS, seen, importance)
    estimate = Sample(y, np.arange(400), 0).estimate(METRICS["auc"], p)
    return Card(
        name="won", question="Will it be won?", about={"model": "trees"}, window=None,
        data="crm.csv.", split="Tested on folds" if tested else "Not tested",
        metrics={"auc": estimate} if tested else {}, baselines={}, examination=seen,
        checks=[*outcome_checks({"with": 499, "without": 500}, "rows"), history_check(100, 30)],
        importance=importance, limits=["It ends here."],
    )  # fmt: skip


def test_the_page_shows_every_picture_of_the_folder_and_needs_no_other_file(tmp_path: Path) -> None:
    card_of(tmp_path, tested=True).write(tmp_path, "Released. It is better.")
    page, text = (tmp_path / "card.html").read_text(), (tmp_path / "card.md").read_text()
    files = {f.name for f in (tmp_path / PLOTS).iterdir()}
    assert files == {"reliability.png", "gain.png", "lift.png", "effects.png", "importance.png"}
    assert page.count('src="data:image/png;base64,') == len(files)
    assert set(re.findall(r"\(plots/(.*?)\)", text)) == files
    assert not re.search(r'(src|href)="(?!data:)', page)
    for title in ("Verdict", "Does it mean what it says?", "For whom is it good?", "Limits"):
        assert f"<h2>{title}</h2>" in page and f"## {title}" in text
    assert "Released. It is better." in page and "499 rows with the outcome" in text


def test_words_of_the_data_stay_words_on_the_page(tmp_path: Path) -> None:
    card_of(tmp_path, tested=True).write(tmp_path, "")
    page, text = (tmp_path / "card.html").read_text(), (tmp_path / "card.md").read_text()
    assert "<b>" not in page and "&lt;b&gt;ad&lt;/b&gt;" in page
    assert "| x/y |" in text


def test_a_card_without_a_test_says_nothing_of_one(tmp_path: Path) -> None:
    card_of(tmp_path, tested=False).write(tmp_path, "Released. not tested: too short")
    text = (tmp_path / "card.md").read_text()
    assert "tenth" not in text and "plots/" not in text and "not tested: too short" in text


def test_an_empty_section_is_left_out_of_both() -> None:
    sections = [Section("Nothing"), Section("Something", "is here")]
    assert "Nothing" not in to_markdown("t", "l", sections, PLOTS)
    assert "Nothing" not in to_page("t", "l", sections, {})


def test_what_is_too_little_for_reliable_scores_is_said_with_what_is_needed() -> None:
    few, enough = outcome_checks({"with": 499, "without": 500}, "customers")
    assert few.doubt == ("499 customers with the outcome, a reliable score needs 500 (a model 100)")
    assert enough.doubt == "" and history_check(270, 90).passed
    assert history_check(269, 90).doubt.startswith("269 days of history, a reliable score needs 3")
