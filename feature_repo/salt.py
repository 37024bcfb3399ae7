"""The salt of an installation: without it, hashed ids and keys tell nothing.

It lies in a file of its own, readable by its owner alone, so that no copy of a database holds it.
Who loses it loses the memory of which keys were seen and who was erased.
"""

import os
import secrets
from pathlib import Path

FILE = "identity.salt"


def ensure_salt(home: Path) -> bytes:
    """Return the salt under `home`, made now if there is none."""
    path = home / FILE
    if not path.exists():
        home.mkdir(parents=True, exist_ok=True)
        draft = home / f".{FILE}.{secrets.token_hex(4)}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(secrets.token_hex(32))
        try:
            os.link(draft, path)
        except FileExistsError:
            pass  # another process was first: its salt counts
        finally:
            draft.unlink()
    return bytes.fromhex(path.read_text(encoding="ascii").strip())
