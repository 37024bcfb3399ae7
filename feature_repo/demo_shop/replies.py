"""What comes of a decision: the showing, the yes, and the success that carries its id."""

import numpy as np
import pandas as pd

from domain.catalogue import ACTION_SHOWN, PURCHASE
from feature_repo.demo_shop.journal import rows
from feature_repo.demo_shop.people import People
from feature_repo.demo_shop.persuasion import Offer
from feature_repo.demo_shop.taste import Taste
from feature_repo.demo_shop.visits import dress


def with_ids(chosen: pd.DataFrame, offers: tuple[Offer, ...]) -> pd.DataFrame:
    """Add decision (its id), success (event kind) and channel to a frame of decisions."""
    offer = chosen["offer"].to_numpy()
    return chosen.assign(
        decision=[f"D{number:06d}" for number in range(1, len(chosen) + 1)],
        success=np.array([o.success for o in offers], dtype=object)[offer],
        channel=np.array([o.action.channel for o in offers], dtype=object)[offer],
    )


def reply_visits(
    rng: np.random.Generator,
    people: People,
    taste: Taste,
    chosen: pd.DataFrame,
    visits: pd.DataFrame,
) -> pd.DataFrame:
    """Return the visits in which an accepted offer becomes an order, as a frame of visits."""
    won = chosen[chosen["accepted"] & (chosen["success"] == PURCHASE)]
    person, at = won["person"].to_numpy(), won["reply_at"].to_numpy()
    replies = pd.DataFrame({"person": person, "at": at, "kind": "buy"})
    replies["focus"] = taste.draw(rng, person, at)
    met = won["visit"].to_numpy()  # an order on the site goes on on the same device
    device = visits["device"].to_numpy()
    replies["device"] = np.where(met >= 0, device[met], 0)
    replies["answers"] = won["decision"].to_numpy()
    replies["sent_by"] = won["channel"].to_numpy()
    replies = dress(rng, people, replies)
    replies["decision"], replies["campaign"] = replies["answers"], ""
    replies["channel"] = np.where(replies["sent_by"] == "email", "email", "web")
    return replies.drop(columns=["answers", "sent_by"]).assign(login="")


def decision_rows(
    rng: np.random.Generator, taste: Taste, chosen: pd.DataFrame, offers: tuple[Offer, ...]
) -> list[pd.DataFrame]:
    """Return the rows of showings, of acceptances, and of successes that are no orders."""
    keys = [offers[i].action.key for i in chosen["offer"]]
    told = zip(keys, chosen["propensity"].tolist(), chosen["control"].tolist(), strict=True)
    notes = [{"action": key, "propensity": round(p, 6), "control": held} for key, p, held in told]
    shown = _rows(ACTION_SHOWN, chosen, chosen["at"], properties=notes)
    yes = chosen[chosen["accepted"] & ~chosen["control"]]
    names = [{"action": offers[i].action.key} for i in yes["offer"]]
    accepted = _rows("action-accepted", yes, yes["reply_at"] - 0.2 / 1440, properties=names)
    other = chosen[chosen["accepted"] & (chosen["success"] != PURCHASE)]
    item = taste.draw(rng, other["person"].to_numpy(), other["at"].to_numpy())
    luck = rng.integers(3, 6, len(other)).tolist()
    stars = [
        {"stars": n} if kind == "rating" else None
        for n, kind in zip(luck, other["success"], strict=True)
    ]
    success = _rows(
        other["success"].to_numpy(), other, other["reply_at"], item=item, properties=stars
    )
    return [shown, accepted, success]


def _rows(
    kind: str | np.ndarray, chosen: pd.DataFrame, at: pd.Series, **given: object
) -> pd.DataFrame:
    return rows(
        kind,
        at.to_numpy(),
        chosen["person"].to_numpy(),
        visit=chosen["visit"].to_numpy(),
        channel=chosen["channel"].to_numpy(),
        decision=chosen["decision"].to_numpy(),
        **given,
    )
