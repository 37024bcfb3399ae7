"""What every log tells of persons: who is whom now, what joined them, what an erasure removes."""

import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from domain.errors import Conflict, NotFound
from domain.events import Event
from domain.stitching import Edge


@dataclass(frozen=True, slots=True)
class Merge:
    """One merge as it is recorded; `undone_at` (µs) is None while it stands."""

    edge: Edge
    undone_at: int | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """What is to be removed wherever it is kept; held until all of it is done."""

    erasure_id: int
    customers: tuple[str, ...]
    ids: tuple[str, ...]  # customers and devices, which also are the names of profiles
    renamed: dict[str, str]  # devices that others used too -> their new name
    neighbours: tuple[str, ...]  # customers whose events name such a device
    events: int

    @staticmethod
    def from_plain(number: int, plain: Mapping[str, Any]) -> "Plan":
        """Return the plan that was kept as JSON under a number."""
        return Plan(
            number,
            tuple(plain["customers"]),
            tuple(plain["ids"]),
            dict(plain["renamed"]),
            tuple(plain["neighbours"]),
            int(plain["events"]),
        )


class Persons:
    """Leads any id to its profile; a log says whose a device is and what a customer goes by."""

    def customer_of(self, anonymous_id: str) -> str | None:
        """Return the customer a device was linked to, or None."""
        raise NotImplementedError

    def canonical_of(self, customer_id: str) -> str:
        """Return the id that a customer goes by now, its own where it is stitched to no other."""
        raise NotImplementedError

    def profile_id_of(self, event: Event) -> str | None:
        """Return the profile an event belongs to by what is known now; None for item-only lines."""
        if event.customer_id:
            return self.canonical_of(event.customer_id)
        return self.resolve(event.anonymous_id) if event.anonymous_id else None

    def resolve(self, profile_id: str) -> str:
        """Return the profile that any id of a person leads to now: a device's, a stitched one's."""
        return self.canonical_of(self.customer_of(profile_id) or profile_id)


def checked_undoable(merge: Merge | None, merge_id: str) -> Merge:
    """Return a merge that stands, or say why it cannot be undone."""
    if merge is None:
        raise NotFound(f"no merge {merge_id[:80]!r}", field="merge_id")
    if merge.undone_at is not None:
        raise Conflict(f"merge {merge_id!r} is undone already", field="merge_id")
    return merge


def nameless() -> str:
    """Return a name by chance; it sorts behind plain ids, so that no person goes by it."""
    return f"~{secrets.token_hex(12)}"
