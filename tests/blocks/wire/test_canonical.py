"""Canonical JSON, by the vectors of RFC 8785."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from blocks.wire.canonical import canonical, digest, is_canonical
from tests.samples import ask, usd

# RFC 8785, 3.2.2 and 3.2.3 (numbers, literals, strings) and appendix B.
VECTOR = (
    '{"numbers": [333333333.33333329, 1E30, 4.50, 2e-3, 0.000000000000000000000000001],'
    '"string": "\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/", "literals": [null, true, false]}'
)
PRINTED = (
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],'
    '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}'
)
SORTING = dict.fromkeys(["\u20ac", "\r", "\ufb33", "1", "\U0001f600", "\x80", "ö"], "a character")
ORDER = ["\r", "1", "\x80", "ö", "\u20ac", "\U0001f600", "\ufb33"]


def test_the_vector_of_the_standard():
    assert canonical(json.loads(VECTOR)) == PRINTED.encode()


def test_names_are_sorted_as_utf_16_sorts_them():
    assert list(json.loads(canonical(SORTING))) == ORDER


texts = st.text(st.characters(codec="utf-8"), max_size=8)
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)


@given(fact=st.dictionaries(texts, values, max_size=4))
def test_a_print_is_read_back_and_printed_the_same(fact):
    printed = canonical(fact)
    assert json.loads(printed) == fact
    assert is_canonical(printed)
    assert not is_canonical(printed + b" ")
    assert canonical(dict(reversed(fact.items()))) == printed


numbers = st.integers(-(2**53) + 1, 2**53 - 1) | st.floats(allow_nan=False, allow_infinity=False)
looks = st.sampled_from(["1.5", ":1.5,", "a,2e5]", "$12,500.50", "\x7f", "\x00\x1f", '"', "\\", "\u2028"])
plain = st.text(st.characters(max_codepoint=127), max_size=6) | looks


@given(fact=st.recursive(numbers | plain, lambda inner: st.lists(inner) | st.dictionaries(plain, inner), max_leaves=9))
def test_the_quick_printer_prints_what_the_standard_s_own_does(fact):
    assert canonical({"fact": fact}) == rfc8785.dumps({"fact": fact})


@pytest.mark.parametrize("fact", [float("nan"), float("inf"), 2**53, 10**20, b"bytes"], ids=str)
def test_what_json_cannot_carry_is_refused(fact: object):
    with pytest.raises((ValueError, TypeError)):
        canonical({"fact": fact})


@pytest.mark.parametrize(
    "data", [b"", b"{", b'{"b":1,"a":2}', b'{ "a":1}', b'{"a":1.0}', b'{"a":1,"a":1}', b"[" * 5000]
)
def test_every_other_spelling_is_not_canonical(data: bytes):
    assert not is_canonical(data)


def test_a_record_prints_its_money_exactly():
    assert b'"amount":{"amount":"12500.50","currency":"USD"}' in canonical(ask())
    assert canonical(ask(amount=usd("12500.5"))) != canonical(ask())


def test_a_digest_is_the_sha_256_of_the_bytes():
    assert digest(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
