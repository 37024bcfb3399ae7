"""Settings check themselves once, when they are read."""

import pytest

from domain.errors import InvalidSetting
from domain.settings import load_settings


@pytest.mark.parametrize("code", ["+49", "0049", "de", "49123"])
def test_a_calling_code_is_digits_without_what_is_dialled_before_it(code, tmp_path):
    with pytest.raises(InvalidSetting, match="such as 49"):
        load_settings({"NEXTBEST_IDENTITY_CALLING_CODE": code}, tmp_path)


def test_a_calling_code_is_read(tmp_path):
    given = {"NEXTBEST_IDENTITY_CALLING_CODE": "49"}
    assert load_settings(given, tmp_path).identity_calling_code == "49"
