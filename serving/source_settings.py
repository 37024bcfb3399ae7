"""What SDKs load before they send: all goes to this host, and nothing else is loaded."""

from typing import Any


def segment_settings(write_key: str, base_url: str) -> dict[str, Any]:
    """Return what Segment's SDKs ask their CDN for; `base_url` is ours, as the sender sees it.

    Once they have it, browsers and phones send to `<apiHost>/t`, `/b`, ... by `protocol`.
    """
    protocol, _, host = base_url.rstrip("/").partition("://")
    return {
        "integrations": {
            "Segment.io": {"apiKey": write_key, "apiHost": f"{host}/v1", "protocol": protocol}
        },
        "plan": {},
        "edgeFunction": {},
        "middlewareSettings": {},
        "enabledMiddleware": {},
        "metrics": {"sampleRate": 0},
        "legacyVideoPluginsEnabled": False,
        "remotePlugins": [],
    }


def rudderstack_source(write_key: str) -> dict[str, Any]:
    """Return the source configuration that RudderStack's SDKs ask for: on, without destinations."""
    silent = {"enabled": False}
    return {
        "source": {
            "id": "nextbest",
            "name": "Nextbest",
            "workspaceId": "nextbest",
            "writeKey": write_key,
            "enabled": True,
            "config": {"statsCollection": {"errors": silent, "metrics": silent}},
            "connections": [],
            "destinations": [],
        },
        "consentManagementMetadata": {"providers": []},
    }
