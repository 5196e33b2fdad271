"""Bundles: the proof of a case in a few kilobytes, checked offline by a program that imports nothing of ours."""

import json
import subprocess
import sys
from base64 import b64decode, b64encode
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any
from zlib import compress, decompress

import pytest

from blocks.proofs.keyring import PASSKEYS
from blocks.records.ledger import Line
from blocks.rulebook import Shelf, adopt
from blocks.sealing.bundle import BYTES_MAX
from blocks.sealing.handover import hand_over
from blocks.sealing.log import Log
from blocks.sealing.witness import Witnessed
from blocks.wire.canonical import canonical
from blocks.wire.names import effect_key
from blocks.wire.signed_note import SecretKey
from infrastructure.auditor import check_bundle
from infrastructure.auditor.check_bundle import Wrong
from infrastructure.auditor.check_bundle import check_bundle as check
from tasks.auditing.bundling import bundle_of
from tasks.auditing.forgetting import Grounds, forget
from tasks.auditing.proving import NotSealedError
from tests.confirming import BY, Page
from tests.hospital import Hospital
from tests.sealing import KEY, WITNESS, seal, witness

OURS = (KEY.public.text, WITNESS.public.text)
PROGRAM = Path(check_bundle.__file__).read_bytes()
OTHER = SecretKey.made("log.example/ledger")
Bundle = dict[str, Any]


@pytest.fixture
async def signed(hospital: Hospital) -> str:
    """A case that was approved with a passkey, ordered, and sealed."""
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    strict = rulebook.policy.model_copy(update={"step_up_from": Decimal(0)})
    await adopt(hospital.ledger, strict, actor="door:test", at=hospital.now)
    page = Page(hospital)
    await page.enrol()
    case = await hospital.submit("KNEE-TIB-4", 1)
    await hospital.wake(case)
    answer = await hospital.answer(case, BY)
    await page.finish(answer, await page.brought(answer))
    outcome = await hospital.wake(case)
    assert outcome is not None
    assert outcome.ended == "ordered"
    return case


async def proof(hospital: Hospital, case: str, log: Log | None, witnessed: Witnessed | None = None) -> bytes:
    return await bundle_of(await hospital.chain(case), hospital.ledger, log, witnessed, at=hospital.now)


async def bundled(hospital: Hospital, case: str, folder: Path) -> bytes:
    log = await seal(hospital)
    return await proof(hospital, case, log, await witness(hospital, folder / "witness"))


async def test_it_proves_offline_who_decided_what_with_which_key_under_which_head(hospital, signed, tmp_path):
    told = check(json.loads(await bundled(hospital, signed, tmp_path)), *OURS)
    assert any(x.startswith("approve by Ivo Petrov as implant-coordinator") for x in told)
    assert any("signed with a passkey" in x for x in told)
    assert any(x.startswith("purchase order ") for x in told)
    assert f"signed by {KEY.public.text} (as you gave it), cosigned by audit.example/witness" in told[-1]


async def test_a_decision_takes_at_most_ten_kilobytes_even_among_a_million_entries(hospital, signed, tmp_path):
    data = await bundled(hospital, signed, tmp_path)
    bundle = json.loads(data)
    proofs = 1 + len(bundle["enrolled"])
    longest = proofs * 20 * len(f'"{b64encode(b"x" * 32).decode()}",\n    ')  # a path is 20 hashes there
    assert len(data) + longest <= BYTES_MAX


async def test_the_same_case_under_the_same_head_is_the_same_bytes(hospital, signed):
    log = await seal(hospital)
    assert await proof(hospital, signed, log) == await proof(hospital, signed, log)


async def test_the_program_runs_by_itself_without_anything_of_ours(hospital, signed, tmp_path: Path):
    (tmp_path / "case.json").write_bytes(await bundled(hospital, signed, tmp_path))
    (tmp_path / "check.py").write_bytes(PROGRAM)
    command = [sys.executable, "-P", "check.py", "case.json", "--key", OURS[0], "--witness", OURS[1]]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)  # noqa: ASYNC221, S603
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"✓ {signed}\n")


async def test_a_case_that_is_not_under_a_head_yet_says_so(hospital):
    log = await seal(hospital)
    late = await hospital.submit("IVSET-20", 40)
    with pytest.raises(NotSealedError, match="is not all under a signed head yet"):
        await proof(hospital, late, log)


async def test_what_the_witness_has_not_seen_yet_is_proven_under_the_logs_own_head(hospital, signed, tmp_path):
    await seal(hospital)
    seen = await witness(hospital, tmp_path / "witness")
    await hospital.answer(signed, "frida.ng")
    bundle = json.loads(await proof(hospital, signed, await seal(hospital), seen))
    assert "witness" not in bundle["keys"]
    assert check(bundle, OURS[0])[-1].endswith("(as you gave it)")


async def test_without_a_log_it_says_that_it_is_under_no_head(hospital, signed):
    bundle = await proof(hospital, signed, None)
    assert check(json.loads(bundle))[-1].startswith("NOT under a signed head")
    with pytest.raises(Wrong, match="the key that you gave has signed nothing"):
        check(json.loads(bundle), OURS[0])


async def test_an_older_entry_of_a_handed_over_log_is_proven_by_the_key_in_office(hospital, signed):
    await seal(hospital)
    await hand_over(hospital.ledger, KEY.public, KEY, OTHER)
    log = Log(hospital.ledger.store, KEY.public)
    assert check(json.loads(await proof(hospital, signed, log)), OURS[0])
    await hospital.submit("IVSET-20", 40)
    await seal(hospital, OTHER)
    bundle = await proof(hospital, signed, log)
    assert check(json.loads(bundle), OURS[0])
    with pytest.raises(Wrong, match="not signed by the log's key"):
        check(json.loads(bundle) | {"keys": {"log": KEY.public.text, "handovers": []}})


def altered(bundle: Bundle, change: Callable[[list[Any]], object]) -> Bundle:
    """Alter the entries as somebody would who knows how they hang together: all links are made anew."""
    entries = [json.loads(x) for x in decompress(b64decode(bundle["entries"])).split(b"\n")]
    change(entries)
    texts: list[bytes] = []
    for place, entry in enumerate(entries, 1):
        entry |= {"seq": place, "prev": check_bundle.sha256(texts[-1]).hex() if texts else ""}
        texts.append(canonical(entry))
    return bundle | {"entries": b64encode(compress(b"\n".join(texts))).decode()}


def decision_in(entries: list[Any]) -> Any:
    return next(x["body"]["decision"] for e in entries for x in e["lines"] if x["act"] == "decided")


LIES: dict[str, tuple[Callable[[Bundle], Bundle], str]] = {
    "another approver": (lambda b: altered(b, lambda e: decision_in(e).update(by="ana.silva")), "decided by another"),
    "another amount": (
        lambda b: altered(b, lambda e: next(
            x["body"]["ask"]["amount"].update(amount="1") for y in e for x in y["lines"] if x["act"] == "asked")),
        "the digest of what was shown differs",
    ),
    "another number": (lambda b: altered(b, lambda e: decision_in(e).update(quantity=9)), "signed otherwise"),
    "no signature": (lambda b: altered(b, lambda e: decision_in(e).update(proof=None)), "none signed it"),
    "a note": (lambda b: altered(b, lambda e: decision_in(e).update(note="gladly")), "signed otherwise"),
    "another time": (
        lambda b: altered(b, lambda e: decision_in(e).update(at="2027-01-01T00:00:00Z")), "signed too late",
    ),
    "another role": (lambda b: altered(b, lambda e: decision_in(e).update(role="x")), "the log commits to another"),
    "the end cut off": (lambda b: altered(b, lambda e: e.pop()), "the log commits to another"),
    "an entry left out": (lambda b: altered(b, lambda e: e.pop(2)), "the log commits to another"),
    "a hash of the path": (
        lambda b: b | {"log": b["log"] | {"proof": b["log"]["proof"] | {"hashes": [b64encode(b"0" * 32).decode()] * len(
            b["log"]["proof"]["hashes"])}}},
        "is not in the signed log",
    ),
    "another place": (
        lambda b: b | {"log": b["log"] | {"proof": b["log"]["proof"] | {"place": b["log"]["proof"]["place"] ^ 1}}},
        "is not in the signed log|is not under the head|its proof is too long",
    ),
    "another head": (
        lambda b: b | {"log": b["log"] | {"checkpoint": b["log"]["checkpoint"].replace("\n", "\n1", 1)}},
        "not signed by the log's key",
    ),
    "another key": (lambda b: b | {"keys": b["keys"] | {"log": OTHER.public.text}}, "the log's key is .*, not the one"),
    "another witness": (
        lambda b: b | {"keys": b["keys"] | {"witness": SecretKey.made("audit.example/witness", 4).public.text}},
        "the witness's key is .*, not the one",
    ),
    "no witness": (lambda b: b | {"keys": b["keys"] | {"witness": ""}}, "the witness's key is missing"),
    "no enrolment": (lambda b: b | {"enrolled": []}, "was not enrolled then"),
    "a passkey of their own": (
        lambda b: b | {"enrolled": [x | {"entry": x["entry"].replace(BY, "ana.silva")} for x in b["enrolled"]]},
        "somebody else's",
    ),
    "another enrolment": (
        lambda b: b | {"enrolled": [x | {"entry": x["entry"].replace("door:", "door:x")} for x in b["enrolled"]]},
        "the log commits to another",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
async def test_no_lie_in_a_bundle_is_believed(hospital, signed, lie, tmp_path):
    change, told = LIES[lie]
    bundle = json.loads(await bundled(hospital, signed, tmp_path))
    with pytest.raises(Wrong, match=told):
        check(change(bundle), *OURS)


def agreed_in(entries: list[Any]) -> Any:
    return next(x for e in entries for x in e["lines"] if x["act"] == "reversing")


async def test_that_an_entry_be_reversed_is_told_with_who_asked_and_who_agreed_and_is_never_one_alone(hospital, signed):
    entry = f"J-{hospital.erp.bill(effect_key(signed, 'order'))}"
    await hospital.reverse(signed, entry, "paula.reyes")
    await hospital.reverse(signed, entry, "frida.ng", agree=True)
    await hospital.wake(signed)
    bundle = json.loads(await proof(hospital, signed, None))
    told = check(bundle)
    said = next(x for x in told if x.startswith(f"journal entry {entry} to be reversed: asked for by Paula Reyes at "))
    assert ", agreed by Frida Ng at " in said
    assert any(x.startswith(f"journal entry {entry}-R (made) at ") for x in told)
    lies: tuple[Callable[[list[Any]], object], ...] = (
        lambda e: agreed_in(e).update(actor="person:paula.reyes"),
        lambda e: agreed_in(e).update(key="J-ANOTHER"),
    )
    for lie in lies:
        with pytest.raises(Wrong, match="no two have said that it be reversed"):
            check(altered(bundle, lie))


async def test_what_was_withdrawn_before_it_signed_signs_nothing(hospital, signed, tmp_path):
    chain = await hospital.ledger.read(PASSKEYS)
    (enrolled,) = chain.having("enrolled")
    gone = Line(act="withdrawn", key=enrolled.key, actor=f"person:{BY}", at=hospital.now)
    await hospital.ledger.append(chain, [gone])
    bundle = json.loads(await bundled(hospital, signed, tmp_path))
    assert len(bundle["enrolled"]) == 2
    assert check(bundle, *OURS)

    def later(entries: list[Any]) -> None:
        decision_in(entries)["passkeys"] += 1

    with pytest.raises(Wrong, match="not enrolled then, or withdrawn"):
        check(altered(bundle, later), *OURS)


async def test_after_a_subject_was_forgotten_its_bundle_still_holds(hospital, signed, tmp_path):
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    grounds = Grounds(rulebook.directory.person("frida.ng"), "asked for in writing", "test", hospital.now)
    before = await bundled(hospital, signed, tmp_path)
    await forget("message:inventory/1", grounds, ledger=hospital.ledger, policy=rulebook.policy)
    assert check(json.loads(before), *OURS)
    assert check(json.loads(await bundled(hospital, signed, tmp_path)), *OURS)
