"""Why an item is in a list, or why it is not: the way of the answer, walked for one item.

The list is made as any other is; then the item is held against each part of the way in turn.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from serving.filters import failing
from serving.question import Question
from serving.recommend import Choice
from serving.rules_trace import KEPT_OUT, REMOVED, Step
from serving.standing import Standing, standings

RETURNED, UNKNOWN, OUT_OF_STOCK = "returned", "not_in_catalogue", "out_of_stock"
FILTERED, BOUGHT, SEEN = "filtered", "bought", "seen"
EXCLUDED, ON_THE_PAGE, RULED_OUT = "excluded", "on_the_page", "ruled_out"
RANKED_LOWER, NOT_RETRIEVED = "ranked_lower", "not_retrieved"
VERDICTS: Mapping[str, str] = {
    RETURNED: "it is in the list, at this rank",
    UNKNOWN: "no item of this id is in the catalogue",
    OUT_OF_STOCK: "the catalogue says that it is not in stock",
    FILTERED: "it does not pass a part of the filter",
    BOUGHT: "the visitor bought it, and not long enough ago",
    SEEN: "the visitor touched it, and touched items were to be left out",
    EXCLUDED: "the request left it out by its id",
    ON_THE_PAGE: "it is on the page already",
    RULED_OUT: "a rule of the placement keeps it out",
    RANKED_LOWER: "a source found it, and others had better scores",
    NOT_RETRIEVED: "no source of the list knows it",
}


@dataclass(frozen=True, slots=True)
class Hindrance:
    """One thing that keeps an item out of a list, whatever its score."""

    verdict: str
    text: str
    part: str | None = None  # of the filter


def explain(
    asked: Question,
    choice: Choice,
    item_id: str,
    plain_filter: Mapping[str, Any],
    steps: Sequence[Step] = (),
) -> dict[str, Any]:
    """Return why the item is in the list that was chosen, or why it is not.

    `steps` are what the rules of the placement did to the item.
    """
    row = asked.release.items.row_of.get(item_id)
    place = next((n for n, pick in enumerate(choice.picks) if pick.row == row), None)
    if row is None:
        return _told(UNKNOWN, f"there is no item {item_id!r:.80} in the catalogue")
    hindrances = list(hindrances_of(asked, row, plain_filter))
    hindrances += [
        Hindrance(RULED_OUT, f"{step.rule}: {step.text}", step.rule)
        for step in steps
        if step.effect in (REMOVED, KEPT_OUT)
    ]
    if place is not None:
        pick = choice.picks[place]
        text = f"it is number {place + 1} of {len(choice.picks)}, found by {pick.source}"
        found = _told(RETURNED, text) | {"rank": place + 1, "score": round(pick.score, 6)}
        return found | {"source": pick.source, "reasons": pick.reasons}
    if hindrances:
        plain = [asdict(hindrance) for hindrance in hindrances]
        return _told(hindrances[0].verdict, hindrances[0].text) | {"hindrances": plain}
    return _by_score(standings(asked, row, choice.picks))


def hindrances_of(
    asked: Question, row: int, plain_filter: Mapping[str, Any]
) -> Iterator[Hindrance]:
    """Yield everything that keeps an item out, in the order in which it is looked at."""
    items, wish = asked.release.items, asked.wish
    item_id = items.ids[row]
    if not items.in_stock[row]:
        yield Hindrance(OUT_OF_STOCK, "it is out of stock")
    for part in failing(plain_filter, items, row):
        yield Hindrance(FILTERED, f"it does not pass {part}", part)
    if item_id in wish.bought:
        yield Hindrance(BOUGHT, "this visitor bought it; exclude_purchased leaves it out")
    if item_id in wish.seen:
        yield Hindrance(SEEN, "this visitor touched it; exclude_seen leaves it out")
    if item_id in wish.exclude:
        yield Hindrance(EXCLUDED, "the request names it in exclude")
    if item_id in wish.context_items:
        yield Hindrance(ON_THE_PAGE, "it is on the page: the request names it in context_items")


def _by_score(found: list[Standing]) -> dict[str, Any]:
    """Return what the scores say of an item that nothing hinders."""
    plain = {"sources": [asdict(standing) for standing in found]}
    known = [standing for standing in found if standing.score is not None]
    if not known:
        return _told(NOT_RETRIEVED, "none of the sources of this list knows the item") | plain
    best = known[0]
    needed = "" if best.needed is None else f"; {best.needed:.6g} was needed"
    text = f"{best.source} gives it {best.score:.6g} and rank {best.rank}{needed}"
    told = {"source": best.source, "score": best.score, "rank": best.rank, "needed": best.needed}
    return _told(RANKED_LOWER, text) | told | plain


def _told(verdict: str, text: str) -> dict[str, Any]:
    nothing = dict.fromkeys(("rank", "score", "needed", "source"))
    return {"verdict": verdict, "text": text, **nothing} | {
        "reasons": [], "hindrances": [], "sources": [],
    }  # fmt: skip
