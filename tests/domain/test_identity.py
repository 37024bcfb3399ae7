"""Keys: what is one, what is none, and that nothing of it can be read back."""

import pytest

from domain.identity import keys_of, normal_crm_id, normal_email, normal_phone

SALT = b"salt"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("  Ada@Example.ORG ", "ada@example.org"),
        ("ada.l+x@gmail.com", "ada.l+x@gmail.com"),  # no tricks of one provider
        ("e\u0301va@b.de", "\u00e9va@b.de"),
        ("test@test.com", None), ("NoReply@shop.example", None), ("null", None), ("", None),
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
    ],
)  # fmt: skip
def test_a_phone_number_is_its_digits(given, kept):
    assert normal_phone(given) == kept


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
