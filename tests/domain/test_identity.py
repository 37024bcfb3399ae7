"""Keys: what is one, what is none, and that nothing of it can be read back."""

import pytest

from domain.identity import is_nobody, keys_of, normal_crm_id, normal_email, normal_phone

SALT = b"salt"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Ada@Example.ORG ", "ada@example.org"),
        ("ada.l+x@gmail.com", "ada.l+x@gmail.com"),  # no tricks of one provider
        ("e\u0301va@b.de", "\u00e9va@b.de"),
        ("test@test.com", None), ("NoReply@shop.example", None), ("null", None), ("", None),
        ("undefined@shop.example", None), ("Anonymous@b.de", None), ("n/a@b.de", None),
        ("ada", None), ("@b.de", None), ("a b@c.de", None), (None, None), (7, None),
        (["a@b.de"], None),
    ],
)  # fmt: skip
def test_an_address_is_compared_without_case_and_blanks(given, kept):
    assert normal_email(given) == kept


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("+49 (170) 123-45.67", "+491701234567"), ("0170/1234567", "01701234567"),
        (491701234567, "491701234567"), ("123456", None), ("0000000", None), ("+1111111", None),
        ("call me", None), ("1234567", None), (True, None), (None, None), ("+", None),
        ("0049 170 1234567", "+491701234567"), ("+49 (0)170 1234567", "+491701234567"),
        ("tel:+49-170-1234567", "+491701234567"), ("+49 170\u20111234567", "+491701234567"),
        ("+1234567890123456", None), ("00000000000", None), ("0000 1", None),
    ],
)  # fmt: skip
def test_a_phone_number_is_its_digits(given, kept):
    assert normal_phone(given) == kept


@pytest.mark.parametrize(
    ("given", "code", "kept"),
    [
        ("0170 1234567", "49", "+491701234567"), ("170 1234567", "49", "+491701234567"),
        (491701234567, "49", "+491701234567"), ("+44 20 7946 0958", "49", "+442079460958"),
        ("0044 20 7946 0958", "49", "+442079460958"), ("(212) 555-0123", "1", "+12125550123"),
        ("1 212 555 0123", "1", "+12125550123"), ("06 1234 5678", "39", "+390612345678"),
        ("04941 12345", "49", "+49494112345"), ("000000000", "49", None),
    ],
)  # fmt: skip
def test_a_number_dialled_at_home_gets_its_country(given, code, kept):
    assert normal_phone(given, code) == kept


@pytest.mark.parametrize(
    "given", ["null", " NULL ", "undefined", "anonymous", "0", "0000", "N/A", "(not set)", "-",
              "00000000-0000-0000-0000-000000000000", "[object Object]"],
)  # fmt: skip
def test_an_id_that_says_there_is_none_names_nobody(given):
    assert is_nobody(given)


@pytest.mark.parametrize("given", ["c-1", "10", "nullius", "1111", "12345678", "a-0", "Test"])
def test_every_other_id_names_somebody(given):
    assert not is_nobody(given)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (" K-17 ", "K-17"), (4711, "4711"), ("k-17", "k-17"), ("N/A", None), ("000", None),
        ("Anonymous", None), ("undefined", None), ("", None), (1.5, None), (0, None),
    ],
)  # fmt: skip
def test_a_crm_id_keeps_its_case(given, kept):
    assert normal_crm_id(given) == kept


def test_keys_are_salted_and_tell_nothing():
    traits = {"email": "Ada@b.de", "phone": "0170 1234567", "crm_id": None, "name": "Ada"}
    keys = keys_of(traits, SALT)
    assert [k.reason for k in keys] == ["email", "phone"]
    assert keys == keys_of({"email": "ada@b.de ", "phone": "01701234567"}, SALT)
    assert not {k.digest for k in keys} & {k.digest for k in keys_of(traits, b"pepper")}
    assert all(len(k.digest) == 64 and "Ada" not in k.digest for k in keys)


def test_the_same_text_as_phone_and_crm_id_is_two_keys():
    phone, crm = keys_of({"phone": "98765432", "crm_id": "98765432"}, SALT)
    assert phone.digest != crm.digest
