import numpy as np
import pytest

from models.mapped import mapped


@pytest.mark.parametrize("write", [np.savez, np.savez_compressed])
def test_every_array_of_a_file_comes_back_as_it_was(tmp_path, write):
    given = {
        "some": np.arange(12, dtype=np.float32).reshape(3, 4),
        "turned": np.asfortranarray(np.arange(6.0).reshape(2, 3)),
        "ids": np.array(["a", "bé"]),
        "none": np.empty((0, 4), dtype=np.int64),
    }
    write(tmp_path / "a.npz", **given)
    for name, array in given.items():
        found = mapped(tmp_path / "a.npz", name)
        assert found.dtype == array.dtype and np.array_equal(found, array)


def test_what_is_mapped_cannot_be_written(tmp_path):
    np.savez(tmp_path / "a.npz", x=np.arange(3))
    with pytest.raises(ValueError, match="read-only"):
        mapped(tmp_path / "a.npz", "x")[0] = 1
