"""From attributes to the segments that name them, so that only those are asked which can change."""

from collections.abc import Collection, Iterable, Mapping

from domain.attributes import TRAIT_PREFIX
from domain.events import Event
from domain.features import FEATURES
from domain.segments import Rule, fields_of

_PROFILE = frozenset(f.name for f in FEATURES if f.view == "profile")
_DONE = frozenset(f.name for f in FEATURES if f.view != "profile")


class SegmentIndex:
    """Attribute -> the segments whose rule names it."""

    def __init__(self, rules: Mapping[str, Rule]) -> None:
        self._of: dict[str, set[str]] = {}
        for key, rule in rules.items():
            for field in fields_of(rule):
                self._of.setdefault(field, set()).add(key)
        self.all = frozenset(rules)
        self.attributes = frozenset(self._of)

    def naming(self, attributes: Iterable[str]) -> set[str]:
        """Return the segments that name any of the attributes."""
        return set().union(*(self._of.get(a, set()) for a in attributes))

    def touched_by(self, event: Event) -> Collection[str]:
        """Return the segments whose answer an event can change for somebody already known."""
        if event.customer_id and event.anonymous_id:  # two histories may become one
            return self.naming(a for a in self._of if not self._is_score(a))
        said = {f"{TRAIT_PREFIX}{name}" for name in event.traits}
        found = self.naming(_DONE & self._of.keys()) | self.naming(said)
        return found | self.naming(_PROFILE & self._of.keys())

    def on_scores(self) -> set[str]:
        """Return the segments that name a score."""
        return self.naming(a for a in self._of if self._is_score(a))

    @staticmethod
    def _is_score(attribute: str) -> bool:
        known = attribute in _PROFILE or attribute in _DONE
        return not known and not attribute.startswith(TRAIT_PREFIX)
