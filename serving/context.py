"""What the `context` of a Segment message says: campaign, channel, device and consent."""

from collections.abc import Mapping
from typing import Any

from domain.errors import InvalidEvent
from domain.events import CHANNELS
from serving.traits import object_of

Message = Mapping[str, Any]
MAX_CAMPAIGN_LENGTH = 200
_PREFERENCES = "context.consent.categoryPreferences"
_CHANNEL_OF_MEDIUM = {
    "email": "email", "e-mail": "email", "newsletter": "email", "sms": "sms", "push": "push",
    "cpc": "ads", "ppc": "ads", "paid": "ads", "display": "ads", "banner": "ads",
}  # fmt: skip
_CHANNEL_OF_SOURCE = {"browser": "web", "web": "web", "client": "web", "mobile": "app"}
_DEVICE_OF_TYPE = {
    "ios": "mobile", "android": "mobile", "mobile": "mobile", "phone": "mobile",
    "smartphone": "mobile", "tablet": "tablet", "ipad": "tablet", "desktop": "desktop",
    "pc": "desktop", "computer": "desktop",
}  # fmt: skip


def campaign_of(properties: Message, context: Message) -> str | None:
    """Return the campaign that brought the visitor, or None."""
    given = _part(context, "campaign").get("name") or properties.get("campaign")
    return given[:MAX_CAMPAIGN_LENGTH] if isinstance(given, str) and given else None


def channel_of(message: Message, properties: Message, context: Message) -> str | None:
    """Return the channel: as named, else by the medium of the campaign, else by the sender.

    SDKs that do not name themselves tell of the page they are on, or of the app they are part of.
    """
    named = properties.get("channel")
    if isinstance(named, str) and named in CHANNELS:
        return named
    medium = str(_part(context, "campaign").get("medium") or "").lower()
    if medium in _CHANNEL_OF_MEDIUM:
        return _CHANNEL_OF_MEDIUM[medium]
    source = message.get("channel") or context.get("channel")
    if isinstance(source, str):
        return source if source in CHANNELS else _CHANNEL_OF_SOURCE.get(source)
    kind = message.get("type")
    if kind == "page" or _part(context, "page").get("url"):
        return "web"
    return "app" if kind == "screen" or _part(context, "app") else None


def device_of(context: Message) -> str | None:
    """Return the class of device: as named, else read off the user agent, else None."""
    named = str(_part(context, "device").get("type") or "").lower()
    if named:
        return _DEVICE_OF_TYPE.get(named, "other")
    agent = str(context.get("userAgent") or "").lower()
    if not agent:
        return None
    if "ipad" in agent or "tablet" in agent:
        return "tablet"
    return "mobile" if "mobi" in agent or "android" in agent else "desktop"


def consent_of(context: Message) -> dict[str, bool]:
    """Return purpose -> granted, in small letters; of a purpose said twice the stricter."""
    consent = object_of(context, "consent", "context.consent")
    given = object_of(consent, "categoryPreferences", _PREFERENCES)
    if not all(isinstance(granted, bool) for granted in given.values()):
        raise InvalidEvent(f"{_PREFERENCES} must map each purpose to true or false",
                           field=_PREFERENCES)  # fmt: skip
    found: dict[str, bool] = {}
    for purpose, granted in given.items():
        found[purpose.lower()] = granted and found.get(purpose.lower(), True)
    return found


def _part(context: Message, name: str) -> Message:
    found = context.get(name)
    return found if isinstance(found, Mapping) else {}
