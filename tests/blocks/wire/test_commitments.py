"""What the log holds of an entry, and which entries it holds."""

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.wire.canonical import is_canonical
from blocks.wire.commitments import Commitment, Committed, moment_text, read_commitment
from tests.samples import NOON

ONE = Commitment("2026-11-25T20:00:00Z", "RQ-7F3K2Q9M", 7, "ab" * 32)


def test_a_leaf_is_canonical_json_and_read_as_it_was_printed():
    assert is_canonical(ONE.data)
    assert read_commitment(ONE.data) == ONE
    assert len(ONE._replace(case="x" * 128, seq=99_999_999).data) < 300


@pytest.mark.parametrize("data", [b"", b"{}", ONE.data + b" ", ONE.data.replace(b"RQ", b"R Q"), ONE.data[:-1]])
def test_what_is_no_leaf_is_none(data: bytes):
    assert read_commitment(data) is None


def test_a_moment_is_printed_in_utc_to_the_second():
    assert moment_text(datetime.fromisoformat("2026-11-25T21:00:00.9+01:00")) == ONE.at
    assert moment_text(NOON).endswith("Z")


@given(st.lists(st.tuples(st.sampled_from("AB"), st.integers(1, 9), st.integers(0, 255)), max_size=30))
def test_each_entry_is_taken_up_once_in_whatever_order(entries: list[tuple[str, int, int]]):
    committed, wanted = Committed(), dict[tuple[str, int], str]()
    for case, seq, byte in entries:
        name = f"{byte:02x}" * 32
        assert committed.add(case, seq, name) is ((case, seq) not in wanted)
        wanted.setdefault((case, seq), name)
    for case in "AB":
        of_case = {seq: name for (whose, seq), name in wanted.items() if whose == case}
        assert committed.of(case) == of_case
        assert committed.count(case) == len(of_case)
        assert [committed.get(case, seq) for seq in range(1, 11)] == [of_case.get(seq) for seq in range(1, 11)]
    assert set(committed.cases()) == {case for case, _ in wanted}
