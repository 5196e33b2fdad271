"""What the bell takes for a ring."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from infrastructure.warm.bell import rung_cases
from infrastructure.warm.ownership import new_owner, owner_in


@pytest.mark.parametrize(
    "said",
    ["", "[]", "{}", '{"case": ""}', '{"cases": []}', '{"case": 7}', '{"cases": "RQ-1"}', "\xff",
     '{"case": "RQ-1", "answer": "yes"}'],
)  # fmt: skip
def test_what_names_no_case_is_no_ring(said: str) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # which one is told to the caller
        rung_cases(said.encode("latin-1"))


@given(st.lists(st.text(min_size=1), min_size=1))
def test_a_ring_names_one_case_or_many(cases: list[str]) -> None:
    assert rung_cases(json.dumps({"cases": cases}).encode()) == cases
    assert rung_cases(json.dumps({"case": cases[0]}).encode()) == cases[:1]


def test_a_ten_megabyte_ring_is_refused() -> None:
    with pytest.raises(ValueError, match="too long"):
        rung_cases(b'{"case": "' + b"x" * 10_000_000 + b'"}')


def test_an_owner_is_read_back_from_a_state_s_message() -> None:
    owner = new_owner("warm@host:18081")
    assert owner_in(str(owner)) == owner
    assert owner_in("Resumed by somebody.") is None
    assert owner_in(None) is None
