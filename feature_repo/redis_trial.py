"""What events would say of persons if they were stored in Redis; nothing is stored."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from domain.events import Event, to_micros
from domain.identity import Key
from domain.stitching import ALIAS
from feature_repo.log import Together
from feature_repo.redis_client import Keyspace
from feature_repo.redis_facts import STANDS, Said, Shown, Supposed
from feature_repo.redis_identity import RedisIdentity

KeysOf = Callable[[Mapping[str, Any]], list[Key]]
Link = tuple[int, str]  # at (µs), customer


class RedisTrial:
    """Tries events on what is known under the keys of one log."""

    def __init__(self, place: Keyspace, identity: RedisIdentity, keys_of: KeysOf) -> None:
        self._place, self._identity, self._keys_of = place, identity, keys_of

    def may_join(self, events: Sequence[Event]) -> bool:
        """Return whether the events may join customers that were apart before."""
        mine = [e for e in events if e.customer_id]
        if any(e.kind == ALIAS for e in mine):
            return True
        shown = [(e.customer_id, k.digest) for e in mine for k in self._keys_of(e.traits)]
        found = self._place.ask_all(
            [*(("hexists", f"keys:{customer}", key) for customer, key in shown),
             *(("hkeys", f"aliases:{e.customer_id}") for e in mine)]
        )  # fmt: skip
        pairs = zip(mine, found[len(shown) :], strict=True)
        awaited = any(p.startswith(f"{e.customer_id}\0") for e, some in pairs for p in some)
        return awaited or not all(found[: len(shown)])

    def together_with(
        self, events: Iterable[Event], customer_id: str | None, anonymous_id: str | None
    ) -> Together:
        """Return who a person would be if these new events were stored."""
        fresh = list(events)
        links = self._links_if(fresh, anonymous_id)
        link = links.get(anonymous_id or "")
        owner = customer_id or (link[1] if link else anonymous_id or "")
        customers = self._identity.members_if(owner, self._supposed(fresh))
        kept = self._place.ask_all(("smembers", f"devices:{c}") for c in customers)
        devices = {d for some in kept for d in some if d not in links}
        devices |= {d for d, (_, customer) in links.items() if customer in customers}
        return Together(tuple(customers), tuple(sorted(devices)))

    def _links_if(self, events: Iterable[Event], anonymous_id: str | None) -> dict[str, Link]:
        """Return whose each device of the call would be."""
        said = [
            (e.anonymous_id, (to_micros(e.at), e.customer_id))
            for e in events if e.anonymous_id and e.customer_id
        ]  # fmt: skip
        devices = sorted({d for d, _ in said} | ({anonymous_id} if anonymous_id else set()))
        texts = self._place.ask("hmget", "links", devices) if devices else []
        links: dict[str, Link] = {}
        for device, text in zip(devices, texts, strict=True):
            if text:
                at, customer = text.split(" ", 1)
                links[device] = int(at), customer
        for device, link in said:
            links[device] = min(links.get(device, link), link)
        return links

    def _supposed(self, events: Iterable[Event]) -> Supposed:
        facts = Supposed()
        for event in sorted(events, key=lambda e: (e.at, e.message_id), reverse=True):
            customer, at = event.customer_id, to_micros(event.at)
            if not customer:
                continue
            facts.firsts[customer] = at  # the earliest comes last
            for reason, key in self._keys_of(event.traits):
                shown = Shown(str(at), reason, STANDS, event.message_id)
                facts.keys.setdefault(customer, {})[key] = shown
            device = event.anonymous_id
            if event.kind == ALIAS and device and device != customer:
                said = Said(str(at), STANDS, event.message_id)
                for i in (device, customer):
                    facts.aliases.setdefault(i, {})[f"{device}\0{customer}"] = said
        return facts
