"""Tampering, a few of each kind; `python -m tests.tampering` does it by the thousand."""

import asyncio
from base64 import b64decode
from datetime import timedelta
from pathlib import Path
from random import Random

import pytest

from blocks.ledger import entry_key
from blocks.records.ledger import Entry
from blocks.sealing.log import CHECKPOINT
from tests.buckets import unmade
from tests.tampering.campaign import Tampering, Told, campaign, in_bucket, in_folder
from tests.tampering.ledger import Kept, line, linked
from tests.tampering.mutations import rewrite
from tests.tampering.places import Bucket, Folder, Place
from tests.tampering.verifier import built


@pytest.fixture(scope="module")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return built(tmp_path_factory.mktemp("go"))


def written(place: Place, cases: int) -> Kept:
    return asyncio.run(Kept.written(place, cases=cases, random=Random(cases)))  # noqa: S311


def tampered_with(kept: Kept, ways: list[Tampering], program: Path, mutations: int) -> None:
    assert kept.verdict().findings == ()
    assert kept.told(program) == []
    told = campaign(ways, program, range(mutations), Told())
    assert told.total > mutations * 0.9
    assert told.missed == []
    assert told.names(0.99), told.unnamed
    assert kept.verdict().findings == ()
    assert kept.told(program) == []


@pytest.mark.parametrize(("cases", "mutations"), [(6, 120), (60, 30)])
def test_whatever_is_done_to_it_both_verifiers_find_it_and_name_it(
    tmp_path: Path, program: Path, cases: int, mutations: int
):
    kept = written(Folder(tmp_path), cases)
    tampered_with(kept, in_folder(kept), program, mutations)


def test_the_go_program_holds_a_head_that_was_kept_against_the_log(tmp_path: Path, program: Path):
    kept = written(Folder(tmp_path), 3)
    _, size, root, *_ = kept.heads[0].decode().split("\n")
    assert kept.told(program, "-head", f"{size}:{b64decode(root).hex()}") == []
    assert kept.told(program, "-head", f"{size}:{'0' * 64}") == [(CHECKPOINT, "rewritten")]
    assert kept.told(program, "-head", f"9999:{'0' * 64}") == [(CHECKPOINT, "replayed")]


def test_a_log_that_was_rewritten_is_not_asked_whether_the_originals_are_true(
    request: pytest.FixtureRequest,
):
    server = unmade(request, "seaweed")
    server.versioned()
    kept = written(Bucket(server), 3)
    mutation = rewrite(kept, Random(4))  # noqa: S311
    kept.place.put(mutation.files)
    found = {one.where: one.because for one in kept.verdict().findings if one.where in mutation.named}
    assert any("the first version is still there (" in because for because in found.values())
    assert not any("is not what was written" in because for because in found.values())
    server.client.close()


@pytest.mark.parametrize("which", ["seaweed", "ministack"])
def test_whatever_is_put_over_it_both_verifiers_find_it_and_name_what_lies_there(
    request: pytest.FixtureRequest, program: Path, which: str
):
    server = unmade(request, which)
    server.versioned()
    kept = written(Bucket(server), 6)
    tampered_with(kept, in_bucket(kept), program, 60)
    server.client.close()


@pytest.mark.parametrize(("age_s", "found"), [(30, []), (90, ["inserted"])])
def test_an_entry_of_the_last_minute_may_wait_for_its_head_and_an_older_one_may_not(
    tmp_path: Path, program: Path, age_s: int, found: list[str]
):
    kept = written(Folder(tmp_path), 2)
    case, texts = next(iter(kept.chains.items()))
    last = Entry.model_validate_json(texts[-1])
    now = kept.began + timedelta(hours=2)
    (*_, late) = linked(
        case,
        [
            *map(Entry.model_validate_json, texts),
            last.model_copy(update={"lines": (line(9, None, now - timedelta(seconds=age_s)),)}),
        ],
    )
    kept.place.put({entry_key(case, len(texts) + 1): late})
    verdict = kept.verdict()
    assert [one.fault for one in verdict.findings] == found
    assert [what for _, what in kept.told(program)] == found
    assert verdict.waiting == (not found)
