"""Where the parts stand, by the settings; no other code knows which of them it uses."""

from domain.settings import EMBEDDED, Settings
from feature_repo.event_log import EventLog
from feature_repo.log import Log
from feature_repo.store import Features


def open_log(settings: Settings) -> Log:
    """Open the event log: SQLite under the home folder, or Redis."""
    if settings.event_log == EMBEDDED:
        return EventLog(
            settings.home, settings.identity_max_profiles, settings.identity_calling_code
        )
    from feature_repo.redis_log import RedisLog  # its library only where it is used

    return RedisLog(
        settings.event_log,
        settings.home,
        settings.identity_max_profiles,
        settings.identity_calling_code,
    )


def open_features(settings: Settings) -> Features:
    """Open the feature store, its online part in SQLite or Redis."""
    return Features.open(settings.home, settings.online_store)
