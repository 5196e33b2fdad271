"""Tampering, a few of each kind; `python -m tests.tampering` does it by the thousand."""

import asyncio
from pathlib import Path
from random import Random

import pytest

from tests.tampering.campaign import Told, campaign
from tests.tampering.ledger import Kept
from tests.tampering.verifier import built


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("go"))


@pytest.mark.parametrize(("cases", "mutations"), [(6, 120), (60, 30)])
def test_whatever_is_done_to_it_both_verifiers_find_it_and_name_it(
    tmp_path: Path, program: Path, cases: int, mutations: int
):
    kept = asyncio.run(Kept.written(tmp_path, cases=cases, random=Random(cases)))  # noqa: S311
    assert kept.verdict().findings == ()
    assert kept.told(program) == []
    told = campaign(kept, program, range(mutations), Told())
    assert told.total > mutations * 0.9
    assert told.missed == []
    assert len(told.unnamed["ours"]) + len(told.unnamed["go"]) <= told.total * 0.02
    assert kept.verdict().findings == ()
