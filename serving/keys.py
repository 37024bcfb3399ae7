"""Two keys open the API: a public write key for pages and apps, and a secret key for all the rest.

They lie in `<home>/keys.toml`, readable by its owner alone (mode 0600), so that they can be shown
again with `nextbest keys`. Whoever can read that file may do everything.
"""

import hashlib
import hmac
import os
import secrets
import tomllib
from dataclasses import dataclass
from pathlib import Path

from domain.errors import InvalidInput

FILE = "keys.toml"
WRITE = "write"  # may send events and ask for recommendations
SECRET = "secret"  # may do everything


@dataclass(frozen=True, slots=True)
class Keys:
    """The two keys of one installation."""

    write_key: str
    secret_key: str

    @property
    def signing_secret(self) -> str:
        """The secret by which the shop's server signs customer ids; new with each secret key."""
        made = hmac.new(self.secret_key.encode(), b"customer ids", hashlib.sha256)
        return f"ids_{made.hexdigest()}"

    def right_of(self, key: str) -> str | None:
        """Return WRITE or SECRET, or None for a key that nobody gave out."""
        given = key.encode()
        secret = hmac.compare_digest(given, self.secret_key.encode())
        public = hmac.compare_digest(given, self.write_key.encode())
        return SECRET if secret else WRITE if public else None


def keys_file(home: Path) -> Path:
    """Return where the keys of an installation lie."""
    return home / FILE


def ensure_keys(home: Path) -> tuple[Keys, bool]:
    """Return the keys, made now if there are none yet, and whether they were made now."""
    path = keys_file(home)
    if path.exists():
        return read_keys(home), False
    home.mkdir(parents=True, exist_ok=True)
    draft = _write_draft(home, _new_keys())
    try:
        os.link(draft, path)  # fails if another process was first: its keys count
    except FileExistsError:
        return read_keys(home), False
    finally:
        draft.unlink()
    return read_keys(home), True


def read_keys(home: Path) -> Keys:
    """Return the keys that lie under `home`."""
    path = keys_file(home)
    try:
        found = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError) as fault:
        raise InvalidInput(f"{path} cannot be read: {fault}; rotate the keys") from fault
    for name, prefix in (("write_key", "pk_"), ("secret_key", "sk_")):
        key = found.get(name)
        if not isinstance(key, str) or not key.startswith(prefix) or len(key) < 20:
            raise InvalidInput(
                f"{path}: {name} must be {prefix} and at least 17 characters; rotate the keys",
                field=name,
            )
    return Keys(found["write_key"], found["secret_key"])


def rotate_keys(home: Path) -> Keys:
    """Replace both keys; a running API takes the new ones within a second, the old ones end."""
    home.mkdir(parents=True, exist_ok=True)
    keys = _new_keys()
    _write_draft(home, keys).replace(keys_file(home))
    return keys


def _new_keys() -> Keys:
    return Keys(f"pk_{secrets.token_urlsafe(24)}", f"sk_{secrets.token_urlsafe(32)}")


def _write_draft(home: Path, keys: Keys) -> Path:
    draft = home / f".{FILE}.{secrets.token_hex(4)}"
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(
            "# Keys of this installation. `nextbest keys` shows them, with --rotate new ones.\n"
        )
        file.write(f'write_key = "{keys.write_key}"\nsecret_key = "{keys.secret_key}"\n')
    return draft
