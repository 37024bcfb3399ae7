"""Settings are data: one table of (name, default, meaning); the CLI, the docs and the code read it.

Order of precedence: environment `NEXTBEST_<NAME>`, then `nextbest.toml`, then the default.
"""

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from domain.errors import InvalidSetting
from domain.identity import MAX_PROFILES

EMBEDDED = "sqlite"
INSIDE, APART = "inside", "apart"
ON, OFF = "on", "off"

_CHOICES = {
    "stream": (INSIDE, APART),
    "require_signed_ids": (OFF, ON),
    "demo_page": ("auto", "on", "off"),
    "webhooks_private": ("auto", "on", "off"),
    "log_level": ("debug", "info", "warning", "error"),
}


def _setting(default: Any, meaning: str) -> Any:
    return field(default=default, metadata={"meaning": meaning})


@dataclass(frozen=True, slots=True)
class Settings:
    """Everything that can be set; each field's metadata says what it means."""

    home: Path = _setting(Path("var"), "Folder of all state: log, lake, stores, releases, MLflow.")
    host: str = _setting("127.0.0.1", "Address the API listens on.")
    port: int = _setting(8600, "Port the API listens on.")
    mlflow_port: int = _setting(8601, "Port of the MLflow pages.")
    log_level: str = _setting(
        "info", "Lowest level written to the log: debug, info, warning, error."
    )
    workers: int = _setting(1, "Processes that `nextbest serve` answers with.")
    event_log: str = _setting(EMBEDDED, "Where events are stored: sqlite, or a redis:// URL.")
    online_store: str = _setting(
        EMBEDDED, "Where states and scores are kept online: sqlite, or a redis:// URL."
    )
    stream: str = _setting(
        INSIDE, "Who folds events: inside (the API), or apart (`nextbest stream` alone)."
    )
    seed: int = _setting(7, "Seed of every random choice: demo shop, training, bootstrap.")
    threads: int = _setting(2, "Threads that building and training may use.")
    memory_limit: str = _setting(
        "3GB", "Memory that one DuckDB query may take before it spills to disk."
    )
    identity_max_profiles: int = _setting(
        MAX_PROFILES, "Customers that may share an e-mail, phone or CRM id; one of more joins none."
    )
    identity_calling_code: str = _setting(
        "",
        "Calling code of the country, such as 49, of phone numbers written as they are dialled at "
        "home; empty compares those as they are. Set it before the first event.",
    )
    currency: str = _setting(
        "EUR", "Currency that amounts are shown in; doctor names events in any other."
    )
    churn_horizon_days: int = _setting(
        0, "Silence that counts as churn; 0 computes it from the shop's gaps."
    )
    actions_file: Path = _setting(Path(), "Action catalogue (TOML); empty uses the one under home.")
    release_poll_seconds: float = _setting(1.0, "How often the API looks for a new release.")
    max_body_bytes: int = _setting(512_000, "Largest request body the API reads.")
    max_waiting_events: int = _setting(
        20_000, "Events that may wait to be written; beyond them the answer is 503."
    )
    rate_events_per_second: float = _setting(
        20_000.0, "Events a second that each key may send to all workers together; 0 for no limit."
    )
    rate_burst: int = _setting(50_000, "Events that a key may send at once before its rate counts.")
    require_signed_ids: str = _setting(
        OFF, "Whether a customer id needs a signature where the public key is used: on, off."
    )
    cors_origins: str = _setting(
        "*", "Origins whose pages may call the API, by comma; * is any, empty is none."
    )
    demo_page: str = _setting(
        "auto", "The demo shop at /demo: on, off, or auto, which is on for this machine alone."
    )
    segment_poll_seconds: float = _setting(
        0.1, "How often live segments look for what other processes recorded, and for due times."
    )
    webhooks_private: str = _setting(
        "auto",
        "Webhooks to private addresses: on, off, or auto, which allows this machine itself "
        "while the API listens on it alone.",
    )
    webhook_timeout_seconds: float = _setting(10.0, "Longest time that one delivery may take.")
    webhook_retry_seconds: float = _setting(
        5.0, "Wait before a delivery is tried again; it doubles each time, up to an hour."
    )
    webhook_max_age_hours: float = _setting(
        24.0, "Age at which a message that does not arrive is given up."
    )
    shared_data: Path = _setting(
        Path("../shared/data"), "Folder of public data sets, for tests and bench."
    )

    def __post_init__(self) -> None:
        if not 0 < self.port < 65_536:
            raise InvalidSetting(f"port {self.port} must be between 1 and 65535", field="port")
        for name in ("event_log", "online_store"):
            self._check_place(name)
        self._check_calling_code()
        for name, known in _CHOICES.items():
            if getattr(self, name) not in known:
                raise InvalidSetting(
                    f"{name} {getattr(self, name)!r} is none of {', '.join(known)}", field=name
                )
        for name in (
            "workers",
            "threads",
            "identity_max_profiles",
            "max_waiting_events",
            "rate_burst",
        ):
            if getattr(self, name) < 1:
                raise InvalidSetting(f"{name} {getattr(self, name)} must be 1 or more", field=name)
        for name in ("segment_poll_seconds", "webhook_timeout_seconds", "webhook_retry_seconds"):
            if not getattr(self, name) > 0:
                raise InvalidSetting(f"{name} {getattr(self, name)} must be above 0", field=name)

    def to_environment(self) -> dict[str, str]:
        """Return the variables by which another process reads these very settings."""
        return {f"NEXTBEST_{f.name.upper()}": str(getattr(self, f.name)) for f in fields(self)}

    def _check_calling_code(self) -> None:
        code = self.identity_calling_code
        if code and not (code.isascii() and code.isdigit() and code[0] != "0" and len(code) <= 3):
            raise InvalidSetting(
                f"identity_calling_code {code!r} must be 1 to 3 digits, such as 49 (no + or 00)",
                field="identity_calling_code",
            )

    def _check_place(self, name: str) -> None:
        place = getattr(self, name)
        if place != EMBEDDED and not place.startswith(("redis://", "rediss://")):
            raise InvalidSetting(
                f"{name} {place!r} is neither {EMBEDDED!r} nor a URL like "
                "'redis://localhost:6379/0'",
                field=name,
            )


def load_settings(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """Read the settings from the environment and `nextbest.toml` in `folder` (default: here)."""
    environ = os.environ if environ is None else environ
    file = (folder or Path.cwd()) / "nextbest.toml"
    given: dict[str, Any] = {}
    if file.exists():
        try:
            given = tomllib.loads(file.read_text(encoding="utf-8"))
        except tomllib.TOMLDecodeError as fault:
            raise InvalidSetting(f"{file} is not valid TOML: {fault}") from fault
    known = {f.name: f for f in fields(Settings)}
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise InvalidSetting(
            f"{file}: unknown key {unknown[0]!r}; `nextbest settings` lists the keys",
            field=unknown[0],
        )
    given |= {
        name: environ[f"NEXTBEST_{name.upper()}"]
        for name in known
        if f"NEXTBEST_{name.upper()}" in environ
    }
    return Settings(
        **{name: _converted(name, value, known[name].default) for name, value in given.items()}
    )


def _converted(name: str, value: Any, default: Any) -> Any:
    """Return `value` as the type of `default`, or say which setting does not fit."""
    try:
        if isinstance(default, Path):
            return Path(str(value)).expanduser()
        return type(default)(value)
    except (TypeError, ValueError) as fault:
        raise InvalidSetting(
            f"setting {name!r} has value {value!r}; expected {type(default).__name__} "
            f"like {default!r} (NEXTBEST_{name.upper()} or nextbest.toml)",
            field=name,
        ) from fault
