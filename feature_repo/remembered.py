"""What was read or written lately, kept in memory beside the text it stands for in the store."""

from feature_repo.kept import Kept

_ROOM = 12_000_000  # characters of text in each half; in memory a state takes about five times that


class Remembered:
    """Saves reading a text that was read or written before; safe for many threads.

    The store alone says what is true: a text from there that is not the one remembered is read
    anew. So no writer, in this process or another, has to tell of what it wrote.
    """

    def __init__(self, room: int = _ROOM) -> None:
        self._room = room
        self._used = 0
        self._young: dict[str, tuple[str, Kept]] = {}
        self._old: dict[str, tuple[str, Kept]] = {}

    def kept(self, profile_id: str, text: str) -> Kept:
        """Return what the text of an id says."""
        found = self._young.get(profile_id)
        if found is not None and found[0] == text:
            return found[1]
        found = self._old.get(profile_id)
        kept = found[1] if found is not None and found[0] == text else Kept.from_text(text)
        self.put(profile_id, text, kept)
        return kept

    def put(self, profile_id: str, text: str, kept: Kept) -> None:
        """Remember what a text says; the ids that were not asked for longest are forgotten."""
        if profile_id not in self._young:
            self._used += len(text)
        if self._used > self._room:
            self._old, self._young, self._used = self._young, {}, len(text)
        self._young[profile_id] = text, kept

    def clear(self) -> None:
        """Forget everything."""
        self._young, self._old, self._used = {}, {}, 0

    def __len__(self) -> int:
        return len(self._young.keys() | self._old.keys())
