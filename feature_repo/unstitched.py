"""For a log that keeps no identity keys: devices join customers, customers are themselves."""

from collections.abc import Collection, Iterable, Sequence

from domain.events import Event
from feature_repo.log import Together


class Unstitched:
    """The part of `log.Log` that tells who is one person, and who was erased: nobody."""

    def customer_of(self, anonymous_id: str) -> str | None:
        """Return the customer a device was linked to, or None."""
        raise NotImplementedError

    def resolve(self, profile_id: str) -> str:
        """Return the profile that an id of a person leads to now."""
        return self.customer_of(profile_id) or profile_id

    def resolve_many(self, ids: Collection[str]) -> dict[str, str]:
        """Return by id the profile that it leads to now."""
        return {i: self.resolve(i) for i in ids}

    def canonical_of(self, customer_id: str) -> str:
        """Return the id itself."""
        return customer_id

    def erasures(self) -> int:
        """Return 0: nobody can be erased from it."""
        return 0

    def erased_among(self, ids: Iterable[str]) -> frozenset[str]:
        """Return that none is."""
        return frozenset()

    def may_join(self, events: Sequence[Event]) -> bool:
        """Return that they never do."""
        return False

    def together_with(
        self, events: Sequence[Event], customer_id: str | None, anonymous_id: str | None
    ) -> Together:
        """Return the person as they are: no event changes it."""
        return Together((customer_id or self.resolve(anonymous_id or ""),), ())

    def restitched(self, after: int) -> tuple[int, dict[str, str]]:
        """Return that nothing changed."""
        return after, {}

    def stitches(self) -> tuple[int, list[tuple[str, str, int, int]]]:
        """Return that nobody is stitched."""
        return 0, []
