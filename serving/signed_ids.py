"""With the public key, a customer id counts only with the signature of the shop's own server.

The public key stands in every page, so whoever reads it could ask for the list of any customer and
speak in any customer's name. Where `require_signed_ids` is on, a customer id needs the HMAC that
only the shop's server can make; ids of devices stay free, for nobody can guess them. No event that
comes with the public key makes two customers one person.
"""

import asyncio
import hashlib
import hmac
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from domain.catalogue import IDENTIFY
from domain.errors import NextbestError, NotAllowed, NotAuthenticated
from domain.events import Event
from domain.settings import ON
from feature_repo.log import Log
from serving.collector import ALIAS
from serving.intake import Outcome, Read, events_in, outcomes_of
from serving.keys import SECRET, Keys
from serving.runtime import Runtime

MAX_KEYED = 20  # each is tried on the log, for which its writer waits
HEADER, NAME = "X-Customer-Signature", "customer_signature"
_CURE = f"sign it on your server (docs/signed_ids.md) and send the signature as {NAME}"
_BY_SECRET = "send it from your server with the secret key"


def _unsigned() -> NotAuthenticated:
    return NotAuthenticated(
        f"with the public key a customer id must be signed: {_CURE}", field=NAME
    )


def _forged() -> NotAllowed:
    return NotAllowed(f"the signature is not that of this customer id: {_CURE}", field=NAME)


def _customers_id() -> NotAllowed:
    return NotAllowed(
        f"this id of a device is that of a customer: send it as the customer's, and {_CURE}",
        field="anonymous_id",
    )


def _joins() -> NotAllowed:
    return NotAllowed(
        "this event would make two customers one person, which the public key may not do: "
        f"{_BY_SECRET}, or leave out e-mail, phone and crm_id",
        field="traits",
    )


def _too_many() -> NotAllowed:
    return NotAllowed(
        f"more than {MAX_KEYED} events of one request show an e-mail, phone or crm_id that is new; "
        f"with the public key send fewer at once, or {_BY_SECRET}",
        field="traits",
    )


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks: what their key may do, and the signatures that came with the request."""

    keys: Keys
    right: str | None
    must_sign: bool
    signatures: tuple[str, ...] = ()

    def with_signature(self, given: Any) -> "Caller":
        """Return the caller with one more signature, if that is one."""
        signatures = (*self.signatures, given) if isinstance(given, str) and given else None
        return self if signatures is None else replace(self, signatures=signatures)

    def fault_of(self, customer_id: str) -> NextbestError | None:
        """Return why the caller may not name a customer, or None."""
        if not self.must_sign:
            return None
        if not self.signatures:
            return _unsigned()
        wanted = signature_of(self.keys.signing_secret, customer_id).encode()
        given = (one.strip().lower().encode() for one in self.signatures)
        return None if any([hmac.compare_digest(wanted, one) for one in given]) else _forged()


def signature_of(secret: str, customer_id: str) -> str:
    """Return the signature of a customer id (HMAC-SHA256, hex)."""
    return hmac.new(secret.encode(), customer_id.encode(), hashlib.sha256).hexdigest()


def caller_of(runtime: Runtime, key: str, *signatures: Any) -> Caller:
    """Return who asks with a key that was let in."""
    right = runtime.keys.right_of(key)
    must_sign = right != SECRET and runtime.settings.require_signed_ids == ON
    caller = Caller(runtime.keys, right, must_sign)
    for given in signatures:
        caller = caller.with_signature(given)
    return caller


def check_ids(
    runtime: Runtime, caller: Caller, customer_id: str | None, anonymous_id: str | None
) -> None:
    """Raise what forbids the caller to ask for this person."""
    fault = caller.fault_of(customer_id) if customer_id is not None else None
    if fault is None and caller.must_sign and anonymous_id not in (None, customer_id):
        fault = _customers_id() if runtime.people.is_customer(str(anonymous_id)) else None
    if fault is not None:
        raise fault


def check_profile(runtime: Runtime, caller: Caller, profile_id: str) -> None:
    """Raise what forbids the caller to ask for an id that may be a customer's or a device's."""
    is_customer = caller.must_sign and runtime.people.is_customer(profile_id)
    if is_customer and (fault := caller.fault_of(profile_id)) is not None:
        raise fault


async def take(
    runtime: Runtime, caller: Caller, messages: Sequence[Any], now: datetime, sent_at: Any = None
) -> list[Outcome]:
    """Store what can be read and may be sent; return one outcome per message, in order.

    `sent_at` is that of the whole batch, ISO 8601; if it is none, nothing is taken.
    """
    read = runtime.intake.read(messages, now, sent_at)
    read = await screened(runtime, caller, messages, read)
    return outcomes_of(messages, read, await runtime.intake.record(events_in(read)))


async def screened(
    runtime: Runtime, caller: Caller, messages: Sequence[Any], read: list[Read]
) -> list[Read]:
    """Return the events that the caller may send, and for each other why not."""
    if not caller.must_sign:
        return read
    pairs = zip(messages, read, strict=True)
    mine = [_signed(runtime, caller, m, e) if isinstance(e, Event) else e for m, e in pairs]
    keyed = [e for e in events_in(mine) if e.traits and runtime.log.may_join([e])]
    if not keyed:
        return mine
    refused = await asyncio.to_thread(_refused, runtime.writing, keyed)
    return [refused.get(id(part), part) for part in mine]


def _refused(log: Log, events: Sequence[Event]) -> dict[int, NextbestError]:
    """Return by identity of the event why it is refused, each tried after those that are not."""
    found: dict[int, NextbestError] = {}
    kept: list[Event] = []
    for event in events:
        if len(kept) == MAX_KEYED:
            found[id(event)] = _too_many()
        elif _is_joining(log, kept, event):
            found[id(event)] = _joins()
        else:
            kept.append(event)
    return found


def _is_joining(log: Log, before: Sequence[Event], event: Event) -> bool:
    """Return whether what the event says of its customer makes them one person with another."""
    silent = replace(event, traits={})
    person = log.together_with([*before, event], event.customer_id, None)
    alone = log.together_with([*before, silent], event.customer_id, None)
    return not set(person.customers) <= set(alone.customers)


def _signed(runtime: Runtime, caller: Caller, message: Mapping[str, Any], event: Event) -> Read:
    """Return the event, or why this caller may not send it; an alias does no more than a log-in."""
    context = message.get("context")
    caller = caller.with_signature(message.get(NAME))
    if isinstance(context, Mapping):
        caller = caller.with_signature(context.get(NAME))
    fault = caller.fault_of(event.customer_id) if event.customer_id is not None else None
    if fault is not None:
        return fault
    if event.anonymous_id is not None and runtime.people.is_customer(event.anonymous_id):
        return _customers_id()
    return replace(event, kind=IDENTIFY) if event.kind == ALIAS else event
