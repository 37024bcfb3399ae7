import stat
from concurrent.futures import ThreadPoolExecutor

import pytest

from domain.errors import InvalidInput
from serving.keys import SECRET, WRITE, ensure_keys, keys_file, read_keys, rotate_keys


def test_keys_are_made_once_and_only_the_owner_may_read_them(tmp_path):
    keys, made = ensure_keys(tmp_path)
    assert made and keys.write_key.startswith("pk_") and keys.secret_key.startswith("sk_")
    assert ensure_keys(tmp_path) == (keys, False) and read_keys(tmp_path) == keys
    assert stat.S_IMODE(keys_file(tmp_path).stat().st_mode) == 0o600
    assert [f.name for f in tmp_path.iterdir()] == ["keys.toml"]


def test_of_many_first_starts_at_once_one_makes_the_keys(tmp_path):
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: ensure_keys(tmp_path), range(16)))
    assert len({keys for keys, _ in found}) == 1 and sum(made for _, made in found) == 1


def test_rotation_replaces_both_and_keeps_the_mode(tmp_path):
    before, _ = ensure_keys(tmp_path)
    after = rotate_keys(tmp_path)
    assert read_keys(tmp_path) == after
    assert not {before.write_key, before.secret_key} & {after.write_key, after.secret_key}
    assert stat.S_IMODE(keys_file(tmp_path).stat().st_mode) == 0o600


def test_each_key_carries_its_right(tmp_path):
    keys, _ = ensure_keys(tmp_path)
    assert keys.right_of(keys.write_key) == WRITE and keys.right_of(keys.secret_key) == SECRET
    assert keys.right_of("pk_") is None and keys.right_of("ключ") is None


@pytest.mark.parametrize("text", ["", "not toml", 'write_key = "pk_1"\nsecret_key = "sk_1"'])
def test_a_damaged_file_says_so(tmp_path, text):
    keys_file(tmp_path).write_text(text)
    with pytest.raises(InvalidInput, match="rotate the keys"):
        read_keys(tmp_path)


def test_a_running_service_takes_new_keys_and_the_old_ones_end(play):
    async def scene(shop):
        assert (await shop.get("/v1/segments")).status_code == 200
        new = rotate_keys(shop.home)
        shop.runtime.refresh()
        assert (await shop.get("/v1/segments")).status_code == 401
        assert (await shop.get("/v1/segments", new.secret_key)).status_code == 200

    play(scene, release_poll_seconds=3600)


def test_the_secret_key_opens_what_the_write_key_opens(play):
    async def scene(shop):
        assert (await shop.post("/v1/recommendations", {}, "secret")).status_code == 200
        body = {"userId": "ada", "event": "search"}
        assert (await shop.post("/v1/track", body, "secret")).status_code == 200

    play(scene)
