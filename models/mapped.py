"""Arrays of an .npz read where they lie: processes that serve the same model share its pages."""

import zipfile
from pathlib import Path

import numpy as np
from numpy.lib import format as npy

_LOCAL_HEADER = 30  # bytes, before the name and the extra field of a member


def mapped(path: Path, name: str) -> np.ndarray:
    """Return an array of an .npz, memory-mapped and read only; compressed ones are read."""
    with zipfile.ZipFile(path) as archive:
        member = archive.getinfo(f"{name}.npy")
    if member.compress_type != zipfile.ZIP_STORED:
        with np.load(path, allow_pickle=False) as arrays:
            return np.asarray(arrays[name])
    with path.open("rb") as file:
        file.seek(member.header_offset + 26)  # the lengths of the name and of the extra field
        lengths = np.frombuffer(file.read(4), dtype="<u2")
        file.seek(member.header_offset + _LOCAL_HEADER + int(lengths.sum()))
        version = npy.read_magic(file)
        read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
        shape, is_fortran, dtype = read(file)
        offset = file.tell()
    if not np.prod(shape):
        return np.empty(shape, dtype)
    laid = np.memmap(path, dtype, "r", offset, shape, "F" if is_fortran else "C")
    return np.asarray(laid)
