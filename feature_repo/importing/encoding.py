"""Text is read as UTF-8 with one kind of line end; other files are rewritten, wrong bytes named."""

import codecs
import gzip
import io
from collections.abc import Iterator
from pathlib import Path

from domain.errors import InvalidInput

_CHUNK = 1 << 20
_UTF16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


def as_utf8(path: Path, encoding: str, zipped: bool, target: Path) -> Path:
    """Return a file with the text of `path` in UTF-8: itself, or `target`, written for it.

    Raises InvalidInput with the row of the first byte that is not in `encoding`, or when the
    file holds no text at all.
    """
    decoder = _decoder(encoding, translate=False)
    empty = True
    for text in _decoded(path, encoding, zipped, decoder):
        empty = empty and not text.strip()
    if empty:
        raise InvalidInput(f"{path} holds no text; export it again, or leave it out")
    mixed = isinstance(decoder.newlines, tuple)
    if codecs.lookup(encoding).name in ("utf-8", "ascii") and not mixed:
        return path
    with target.open("w", encoding="utf-8", newline="") as out:
        for text in _decoded(path, encoding, zipped, _decoder(encoding, translate=True)):
            out.write(text)
    return target


def _decoder(encoding: str, *, translate: bool) -> io.IncrementalNewlineDecoder:
    return io.IncrementalNewlineDecoder(codecs.getincrementaldecoder(encoding)("strict"), translate)


def _decoded(
    path: Path, encoding: str, zipped: bool, decoder: io.IncrementalNewlineDecoder
) -> Iterator[str]:
    """Yield the text of a file in pieces, without a byte order mark."""
    row = 1
    first = True
    for chunk in _chunks(path, zipped):
        if first and encoding.lower().startswith("utf-8"):
            _refuse_utf16(path, chunk)
        try:
            text = decoder.decode(chunk, final=not chunk)
        except UnicodeDecodeError as fault:
            row += fault.object[: fault.start].count(b"\n")
            raise InvalidInput(_complaint(path, encoding, row, fault)) from fault
        row += text.count("\n")
        yield text.removeprefix("\ufeff") if first else text
        first = False


def _chunks(path: Path, zipped: bool) -> Iterator[bytes]:
    """Yield the unpacked bytes, and an empty piece at the end."""
    with path.open("rb") as raw, gzip.open(raw) if zipped else raw as file:
        try:
            while chunk := file.read(_CHUNK):
                yield chunk
        except (EOFError, OSError) as fault:
            raise InvalidInput(
                f"{path} is a damaged gzip file ({fault}); export it again"
            ) from fault
        yield b""


def _refuse_utf16(path: Path, start: bytes) -> None:
    zeros = start[:1000].count(0)
    if start.startswith(_UTF16_MARKS) or zeros > len(start[:1000]) / 4:
        raise InvalidInput(
            f"{path} is not utf-8 but looks like utf-16; save it as UTF-8, "
            "or add 'encoding = \"utf-16\"' under [file] in the mapping"
        )


def _complaint(path: Path, encoding: str, row: int, fault: UnicodeDecodeError) -> str:
    byte = fault.object[fault.start]
    before = fault.object[max(0, fault.start - 20) : fault.start].decode("latin-1")
    near = before.splitlines()[-1] if before else ""
    return (
        f"{path}, row {row}: the byte 0x{byte:02X} after {near!r} is not {encoding}; save the file "
        "as UTF-8, or say how it is written under [file] in the mapping, "
        "for example 'encoding = \"latin-1\"' or 'encoding = \"cp1252\"'"
    )
