"""How often is an action accepted, by whom: counts, shrunk towards what is known of the whole."""

import json
import os
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from domain.errors import InvalidInput, NotFound


@dataclass(frozen=True, slots=True)
class Tally:
    """How often an action was shown and how often of these it was accepted."""

    shown: int = 0
    accepted: int = 0

    def __post_init__(self) -> None:
        if not 0 <= self.accepted <= self.shown:
            raise InvalidInput(
                f"tally: accepted {self.accepted} of {self.shown} shown; give 0 up to shown"
            )

    def plus(self, accepted: bool) -> "Tally":
        """Return the tally after one more showing."""
        return Tally(self.shown + 1, self.accepted + int(accepted))


@dataclass(frozen=True, slots=True)
class ActionTally:
    """The tally of one action, over all customers and per stratum (as 'loyal' or 'new')."""

    overall: Tally
    strata: Mapping[str, Tally]


class ResponseRates:
    """The acceptance rate of each action, over all and per stratum of customers.

    p(action) = (accepted + m * prior) / (shown + m), and p(action, stratum) = (accepted_s +
    m * p(action)) / (shown_s + m), with m = `strength` in showings: the mean of a beta posterior
    whose prior is one level up (empirical Bayes, Casella 1985). Little evidence stays near the
    level above; an unknown action gets the prior.
    """

    def __init__(
        self, tallies: Mapping[str, ActionTally], *, prior: float = 0.02, strength: float = 50.0
    ) -> None:
        if not 0 < prior < 1 or not strength > 0:
            raise InvalidInput(
                f"prior {prior}, strength {strength}: give 0 < prior < 1 and strength > 0"
            )
        self.tallies = tallies
        self.prior = prior
        self.strength = strength

    @classmethod
    def count(
        cls,
        showings: Iterable[tuple[str, str | None, bool]],
        *,
        prior: float = 0.02,
        strength: float = 50.0,
    ) -> Self:
        """Count rows of (action, stratum or None, accepted), one per showing."""
        overall: dict[str, Tally] = {}
        strata: dict[str, dict[str, Tally]] = {}
        for action, stratum, accepted in showings:
            overall[action] = overall.get(action, Tally()).plus(accepted)
            of_action = strata.setdefault(action, {})
            if stratum is not None:
                of_action[stratum] = of_action.get(stratum, Tally()).plus(accepted)
        tallies = {action: ActionTally(overall[action], strata[action]) for action in overall}
        return cls(tallies, prior=prior, strength=strength)

    def rate(self, action: str, stratum: str | None = None) -> float:
        """Return the expected acceptance rate, strictly between 0 and 1."""
        accepts, refuses = self._posterior(action, stratum)
        return accepts / (accepts + refuses)

    def interval(
        self, action: str, stratum: str | None = None, level: float = 0.8
    ) -> tuple[float, float]:
        """Return the central interval of the beta posterior that holds the rate at `level`."""
        from scipy.special import betaincinv

        if not 0 < level < 1:
            raise InvalidInput(
                f"level {level!r} is no probability; give a number between 0 and 1, as 0.8"
            )
        accepts, refuses = self._posterior(action, stratum)
        low = betaincinv(accepts, refuses, (1 - level) / 2)
        high = betaincinv(accepts, refuses, (1 + level) / 2)
        return float(low), float(high)

    def tally(self, action: str, stratum: str | None = None) -> Tally:
        """Return the counts of an action, or of it in a stratum; zeros where never shown."""
        of_action = self.tallies.get(action)
        if of_action is None:
            return Tally()
        return of_action.overall if stratum is None else of_action.strata.get(stratum, Tally())

    def save(self, path: Path) -> None:
        """Write the counts as JSON: {action: {overall: {shown, accepted}, strata: {...}}}."""
        plain = {action: asdict(tally) for action, tally in sorted(self.tallies.items())}
        path = Path(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
        with os.fdopen(handle, "w") as file:
            json.dump(plain, file, indent=1, sort_keys=True)
        Path(draft).chmod(0o644)
        Path(draft).replace(path)

    @classmethod
    def load(cls, path: Path, *, prior: float = 0.02, strength: float = 50.0) -> Self:
        """Read the counts that `save` wrote."""
        try:
            plain = json.loads(Path(path).read_text())
            tallies = {str(action): _action_tally(value) for action, value in plain.items()}
        except FileNotFoundError as absent:
            raise NotFound(f"no response counts at {path}; release the models again") from absent
        except (ValueError, KeyError, TypeError, AttributeError) as broken:
            raise InvalidInput(
                f"{path} holds no response counts ({broken!r}); release again"
            ) from broken
        return cls(tallies, prior=prior, strength=strength)

    def _posterior(self, action: str, stratum: str | None) -> tuple[float, float]:
        """Return the two parameters of the beta posterior of a rate."""
        above = self.prior if stratum is None else self.rate(action)
        seen = self.tally(action, stratum)
        refused = seen.shown - seen.accepted
        return seen.accepted + self.strength * above, refused + self.strength * (1 - above)


def _action_tally(plain: dict[str, Any]) -> ActionTally:
    strata = {str(name): _tally(value) for name, value in plain["strata"].items()}
    return ActionTally(_tally(plain["overall"]), strata)


def _tally(plain: dict[str, Any]) -> Tally:
    return Tally(int(plain["shown"]), int(plain["accepted"]))
