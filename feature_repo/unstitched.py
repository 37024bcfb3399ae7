"""For a log that keeps no identity keys: devices join customers, customers are themselves."""


class Unstitched:
    """The part of `log.Log` that tells which customers are one person: none are."""

    def customer_of(self, anonymous_id: str) -> str | None:
        """Return the customer a device was linked to, or None."""
        raise NotImplementedError

    def resolve(self, profile_id: str) -> str:
        """Return the profile that an id of a person leads to now."""
        return self.customer_of(profile_id) or profile_id

    def canonical_of(self, customer_id: str) -> str:
        """Return the id itself."""
        return customer_id

    def restitched(self, after: int) -> tuple[int, dict[str, str]]:
        """Return that nothing changed."""
        return after, {}

    def stitches(self) -> tuple[int, list[tuple[str, str, int, int]]]:
        """Return that nobody is stitched."""
        return 0, []
