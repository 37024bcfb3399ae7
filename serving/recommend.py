"""Which items to show: candidates of several sources, filters kept exactly, reasons that hold."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from serving.question import AFFINITY, CONTENT, MODEL, POPULAR, TRENDING, Question, Wish
from serving.reasons import TRENDING as RISING
from serving.reasons import Reason, Reasons, bought_often, reason
from serving.release import Release
from serving.vectors import first_of

CONTEXT = "context_items"
_REASONS = 3  # the strongest of each item


@dataclass(frozen=True, slots=True)
class Pick:
    """One item of a list: its row in the release, its score, what drew it, and who found it."""

    row: int
    score: float
    reasons: Sequence[Reason] = ()
    source: str = POPULAR


@dataclass(frozen=True, slots=True)
class Choice:
    """A list, best first; `fallback` says that, and how, less than the whole model was used."""

    picks: list[Pick] = field(default_factory=list)
    fallback: str | None = None
    fallback_reason: str | None = None


def recommend(release: Release, wish: Wish) -> Choice:
    """Return at most `limit` items: none excluded, bought, out of stock, or twice."""
    return choose(Question(release, wish))


def choose(asked: Question) -> Choice:
    """Answer a question: who leans to what first, then what is popular near it, and at all."""
    choice = candidates(asked)
    return replace(choice, picks=with_reasons(asked, choice.picks))


def candidates(asked: Question) -> Choice:
    """Answer a question without reasons, for what is going to be chosen from."""
    picks = by_taste(asked)
    ways = (
        (TRENDING, asked.release.items.by_trend),
        (AFFINITY, asked.release.items.by_popularity),
        (POPULAR, asked.release.items.by_popularity),
    )
    least = min([0.0, *(pick.score for pick in picks)])
    for source, ranked in ways:
        if source in asked.wish.sources:
            taken = {pick.row for pick in picks}
            score = least if asked.leaning is not None else None
            picks += _ranked(asked, source, ranked, taken, score)
    return _said(asked, picks)


def by_taste(asked: Question) -> list[Pick]:
    """Return the items that the visitor leans to, of those known to the model and of newcomers."""
    leaning, wanted, limit = asked.leaning, asked.wish.sources, asked.wish.limit
    if leaning is None:
        return []
    nothing = np.empty(0, dtype=np.int64), np.empty(0, dtype=np.float32)
    known = leaning.known(limit, asked.allowed) if MODEL in wanted else nothing
    new = leaning.new(limit, asked.allowed) if CONTENT in wanted else nothing
    rows = np.concatenate([known[0], new[0]])
    scores = np.concatenate([known[1], new[1]])
    best = np.argsort(-scores, kind="stable")[:limit]  # of equals the known one
    return [
        Pick(row, score, (), CONTENT if is_new else MODEL)
        for row, score, is_new in zip(
            rows[best].tolist(), scores[best].tolist(), (best >= len(known[0])).tolist(),
            strict=True,
        )
    ]  # fmt: skip


def with_reasons(asked: Question, picks: Sequence[Pick]) -> list[Pick]:
    """Return the items with what drew each one; one that says it already is left as it is."""
    items = asked.release.items
    drawn = [p.row for p in picks if p.source in (MODEL, CONTENT) and not p.reasons]
    leaning = asked.past.leaning if drawn else None  # what is popular can be said without a model
    parts_of = dict(zip(drawn, leaning.strongest(drawn, _REASONS), strict=True)) if leaning else {}
    words = Reasons(items, asked.past.verbs if parts_of else {})
    return [
        pick if pick.reasons else Pick(
            pick.row, pick.score,
            words.of(pick.row, parts_of[pick.row], pick.source == CONTENT)
            if pick.row in parts_of else _why(asked, pick.source, pick.row),
            pick.source,
        )
        for pick in picks
    ]  # fmt: skip


def popular(release: Release, wish: Wish, why: str) -> Choice:
    """Return what is popular whoever asks; `why` says what it stands in for."""
    asked = Question(release, wish)
    picks = _ranked(asked, POPULAR, release.items.by_popularity, (), None)
    return Choice(with_reasons(asked, picks), POPULAR, why)


def _ranked(
    asked: Question, source: str, ranked: np.ndarray, taken: Collection[int], score: float | None
) -> list[Pick]:
    """Return the first allowed rows of a ranking that are not taken, up to the limit.

    The score is what the ranking goes by unless one is given.
    """
    missing = asked.wish.limit - len(taken)
    if missing <= 0:
        return []
    items = asked.release.items
    open_ = asked.allowed.copy()
    open_[list(taken)] = False
    if not open_.any():
        return []
    if source == AFFINITY:
        open_ &= items.columns["category"].one_of(asked.past.near)
    rows = first_of(ranked, missing, open_).tolist()
    values = items.trend if source == TRENDING else items.popularity
    return [Pick(row, float(values[row]) if score is None else score, (), source) for row in rows]


def _why(asked: Question, source: str, row: int) -> list[Reason]:
    if source == TRENDING:
        return [reason(RISING, "wanted more than usual")]
    category = asked.release.items.categories[row]
    if source == AFFINITY and category is not None:
        return [bought_often(category, asked.past.near[category])]
    return [bought_often()]


def _said(asked: Question, picks: list[Pick]) -> Choice:
    """Return the list with what it fell back to, where it had to."""
    if MODEL not in asked.wish.sources and picks:
        return Choice(picks)
    if asked.leaning is None:
        near = any(pick.source == AFFINITY for pick in picks)
        is_page = near and len(asked.release.items.rows(asked.wish.context_items)) > 0
        fallback = CONTEXT if is_page else AFFINITY if near else POPULAR
        return Choice(picks, fallback, _why_without(asked.release, picks))
    if asked.past.knows_visitor:
        return Choice(picks)
    return Choice(picks, CONTEXT, "nothing is known of this visitor but the items on the page")


def _why_without(release: Release, picks: Sequence[Pick]) -> str:
    if not len(release.items):
        return "no items are known yet; import a catalogue or send events with products"
    if not picks:
        return "no item is left after the filter, stock, purchases and exclusions"
    if release.release_id is None:
        return "nothing has been released yet; train and release first"
    if release.taste is None:
        return "the release has no recommender that knows one visitor from another"
    return "none of the items this visitor touched is known to the recommender"
