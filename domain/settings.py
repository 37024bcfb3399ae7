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
    seed: int = _setting(7, "Seed of every random choice: demo shop, training, bootstrap.")
    threads: int = _setting(2, "Threads that building and training may use.")
    memory_limit: str = _setting(
        "3GB", "Memory that one DuckDB query may take before it spills to disk."
    )
    currency: str = _setting(
        "EUR", "Currency that amounts are shown in; doctor names events in any other."
    )
    session_gap_minutes: int = _setting(
        30, "Silence after which the next event opens a new session."
    )
    churn_horizon_days: int = _setting(
        0, "Silence that counts as churn; 0 computes it from the shop's gaps."
    )
    actions_file: Path = _setting(Path(), "Action catalogue (TOML); empty uses the one under home.")
    release_poll_seconds: float = _setting(1.0, "How often the API looks for a new release.")
    max_body_bytes: int = _setting(512_000, "Largest request body the API reads.")
    shared_data: Path = _setting(
        Path("../shared/data"), "Folder of public data sets, for tests and bench."
    )

    def __post_init__(self) -> None:
        if not 0 < self.port < 65_536:
            raise InvalidSetting(f"port {self.port} must be between 1 and 65535", field="port")
        if self.threads < 1:
            raise InvalidSetting(f"threads {self.threads} must be 1 or more", field="threads")
        if self.log_level not in ("debug", "info", "warning", "error"):
            raise InvalidSetting(
                f"log_level {self.log_level!r} is none of debug, info, warning, error",
                field="log_level",
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
