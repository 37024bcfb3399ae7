"""A mapping with faults is told all of them, with the nearest valid word."""

import pytest

from domain.errors import InvalidMapping
from feature_repo.importing import builtin_mappings, load_mapping
from feature_repo.importing.mapping import parse_mapping

from .conftest import SHOP


def faults(text: str) -> str:
    with pytest.raises(InvalidMapping) as caught:
        parse_mapping(text, "my.toml")
    return caught.value.message


@pytest.mark.parametrize("name", sorted(builtin_mappings()))
def test_built_in_mappings_are_valid_and_named_after_their_file(name):
    assert load_mapping(name).name == name


def test_a_mapping_is_read_by_path(tmp_path):
    path = tmp_path / "my.toml"
    path.write_text(SHOP)
    assert load_mapping(str(path)).source == str(path)
    assert load_mapping(str(path)).columns.order == ("order",)


def test_unknown_mapping_names_the_built_in_ones():
    with pytest.raises(InvalidMapping, match=r"no mapping 'taobo'; did you mean 'taobao'\?"):
        load_mapping("taobo")


def test_a_typo_names_key_file_and_nearest_key():
    message = faults(SHOP.replace("quantity =", "quantitty ="))
    assert message.startswith("the mapping my.toml has 1 fault:")
    assert "unknown key 'columns.quantitty'; did you mean 'quantity'?" in message


def test_all_faults_are_told_together():
    text = (
        SHOP.replace("[money]", "[mony]")
        .replace('column = "when"\n', "")
        .replace('title = "title"', "title = 3")
    )
    message = faults(text)
    assert "has 3 faults" in message
    assert "unknown key 'mony'; did you mean 'money'?" in message
    assert "the key 'time.column' is missing" in message
    assert "'item.title' is 3; it must be a text" in message


def test_missing_sections_and_broken_toml():
    message = faults("[time]\ncolumn = 'a'\nformat = 'iso'\n")
    assert "the section [kind] is missing" in message
    assert "the section [columns] is missing" in message
    assert "'name' is missing" in message
    assert "my.toml is not valid TOML" in faults("name = ")


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("Europe/London", "Europe/Londn", "did you mean 'Europe/London'?"),
        ('"iso"', '"is"', "which holds no part of a time; did you mean 'iso'?"),
        ('"iso"', '"%Y-%Q"', "'time.format' is '%Y-%Q'; it must be 'iso'"),
        ('"purchase"', '"purchas"', "no event kind; did you mean 'purchase'?"),
        ('"C.*"', '"C(.*"', "which is no regular expression"),
        ('"refuse"', '"drop"', "'money.zero_price' is 'drop'; it must be one of 'keep', 'refuse'"),
        ('unit_price = "price"', 'unit_price = "price"\namount = "a"', "both 'unit_price' and"),
        ('name = "shop"', 'name = "My Shop"', "'name' is 'My Shop'; use 1 to 40 of"),
        ('always = "purchase"', "", "[kind] needs either 'always' or 'column'"),
        ('matches = ["POST", "M"]', "", "'refuse[1]' tests nothing"),
        ("[[refuse]]", "[refuse]", "write [[refuse]] with two brackets"),
        ('currency = "GBP"', "currency = 5", "'money.currency' is 5; it must be a text"),
        ('item = "what"', "", "'item.title' is given without 'columns.item'"),
        ('column = "order"\nmatches', "matches", "'returns.column' and 'returns.matches' go"),
    ],
)
def test_each_fault_has_its_sentence(old, new, fault):
    assert old in SHOP
    assert fault in faults(SHOP.replace(old, new, 1))


@pytest.mark.parametrize(
    ("section", "fault"),
    [
        ('encoding = "latin-42"', "'file.encoding' is 'latin-42', which is not known"),
        ('delimiter = "::"', "it must be one character"),
        ("header = false", "give both or neither"),
        ('decimal = "x"', "'file.decimal' is 'x'; it must be one of '.', ','"),
        ('header = "no"', "'file.header' is 'no'; it must be true or false"),
    ],
)
def test_faults_of_the_file_section(section, fault):
    assert fault in faults(f"{SHOP}\n[file]\n{section}\n")


def test_times_in_filters_need_an_offset():
    text = SHOP + '\n[[refuse]]\nreason = "old"\nbefore = 2017-11-25T00:00:00\n'
    assert "'refuse[2].before'" in faults(text)
    assert "it must be a time with an offset such as" in faults(text)
