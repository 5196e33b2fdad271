"""Forgetting: the key of a subject is destroyed, the ledger says who and why, and every proof still holds."""

import json
from typing import Any

import pytest

from blocks.books import VAULT
from blocks.errors import ForgottenError, NotFoundError, RefusedError
from blocks.ledger import Ledger
from blocks.rulebook import Shelf
from blocks.store import FolderStore
from tasks.arrivals import quarantine
from tasks.auditing.forgetting import forget, read_sealed
from tasks.auditing.grounds import Grounds
from tests.hospital import Hospital

WHY = "asked for in writing on Monday"
GOOD = {"requester": "rita.okafor", "cost_centre": "OR", "item": "IVSET-20", "quantity": 40}


async def asked(hospital: Hospital, by: str = "frida.ng", why: str = WHY) -> dict[str, Any]:
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    grounds = Grounds(rulebook.directory.person(by), why, "test", hospital.now)
    return {"grounds": grounds, "ledger": hospital.ledger, "policy": rulebook.policy}


async def test_what_was_forgotten_is_read_by_nobody_and_the_ledger_still_verifies(hospital):
    case = await hospital.submit("IVSET-20", 40)
    await hospital.wake(case)
    head = (await hospital.chain(case)).head
    sealed = await hospital.ledger.store.get("inbox/inventory/1")
    assert json.loads(await hospital.ledger.read_raw("inbox/inventory/1"))["item"] == "IVSET-20"
    await forget("message:inventory/1", **await asked(hospital))
    with pytest.raises(ForgottenError):
        await hospital.ledger.read_raw("inbox/inventory/1")
    assert await hospital.ledger.store.get("inbox/inventory/1") == sealed
    assert await hospital.verified()
    assert (await hospital.chain(case)).head == head


async def test_the_ledger_says_who_had_it_forgotten_and_why_in_two_lines_without_saying_whom(hospital):
    await hospital.submit("IVSET-20", 40)
    name = await forget("message:inventory/1", **await asked(hospital))
    lines = (await hospital.chain(VAULT)).lines
    assert [(x.act, x.actor, x.key) for x in lines] == [
        ("forgets", "person:frida.ng", name),
        ("forgot", "person:frida.ng", name),
    ]
    assert [line.body for line in lines] == [{"because": WHY}] * 2
    assert "inventory" not in str([line.model_dump() for line in lines])


async def test_to_forget_twice_is_to_forget_once(hospital):
    await hospital.submit("IVSET-20", 40)
    for _ in range(2):
        await forget("message:inventory/1", **await asked(hospital))
    assert (await hospital.chain(VAULT)).seq == 2


async def test_who_died_before_the_key_was_destroyed_is_finished_by_the_next_try(hospital, monkeypatch):
    await hospital.submit("IVSET-20", 40)

    async def dies(_name: str) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(hospital.ledger.vault, "shred", dies)
        with pytest.raises(KeyboardInterrupt):
            await forget("message:inventory/1", **await asked(hospital))
    assert await hospital.ledger.read_raw("inbox/inventory/1")
    await forget("message:inventory/1", **await asked(hospital))
    assert [line.act for line in (await hospital.chain(VAULT)).lines] == ["forgets", "forgot"]
    with pytest.raises(ForgottenError):
        await hospital.ledger.read_raw("inbox/inventory/1")


async def test_a_subject_that_is_spelled_otherwise_is_told_as_unknown_and_nothing_is_noted(hospital):
    await hospital.submit("IVSET-20", 40)
    with pytest.raises(NotFoundError, match="nothing was ever sealed for message:Inventory/1"):
        await forget("message:Inventory/1", **await asked(hospital))
    assert (await hospital.chain(VAULT)).seq == 0


async def test_other_messages_are_still_read(hospital):
    await hospital.submit("IVSET-20", 40)
    await hospital.submit("IVSET-20", 41)
    await forget("message:inventory/1", **await asked(hospital))
    assert json.loads(await hospital.ledger.read_raw("inbox/inventory/2"))["quantity"] == 41


async def test_a_forgotten_message_that_is_sent_again_is_its_case_and_is_not_kept_anew(hospital):
    first = await hospital.receive(name="7", **GOOD)
    await forget("message:inventory/7", **await asked(hospital))
    again = await hospital.receive(name="7", **GOOD)
    assert (again.case, again.new) == (first.case, False)
    with pytest.raises(ForgottenError):
        await hospital.ledger.read_raw("inbox/inventory/7")


async def test_a_forgotten_message_in_quarantine_is_shown_no_more_nor_taken_again(hospital):
    await hospital.receive(name="7", requester="rita.okafor")
    assert len(await quarantine(hospital.ledger)) == 1
    await forget("message:inventory/7", **await asked(hospital))
    assert await quarantine(hospital.ledger) == []
    again = await hospital.receive(name="7", requester="rita.okafor")
    assert again.issues[0].reason == "7 was sent before and has been forgotten since: send a new id"
    assert await quarantine(hospital.ledger) == []


REFUSED = [
    ("rita.okafor", WHY, "as: the vault is opened and emptied by a finance-director or chief-financial-officer alone"),
    ("nobody.here", WHY, "as: the vault is opened and emptied by a finance-director or chief-financial-officer alone"),
    ("frida.ng", "  ", "why: please say why: the ledger keeps it"),
    ("frida.ng", "about MRN 00412877", "why: it seems to hold a medical record number"),
]


@pytest.mark.parametrize(("by", "why", "reason"), REFUSED, ids=["a requester", "nobody", "no reason", "a patient"])
async def test_who_may_not_or_does_not_say_why_destroys_and_reads_nothing(hospital, by, why, reason):
    await hospital.submit("IVSET-20", 40)
    with pytest.raises(RefusedError, match=reason):
        await forget("message:inventory/1", **await asked(hospital, by, why))
    with pytest.raises(RefusedError, match=reason):
        await read_sealed("inbox/inventory/1", **await asked(hospital, by, why))
    assert await hospital.ledger.read_raw("inbox/inventory/1")
    assert (await hospital.chain(VAULT)).seq == 0


async def test_who_reads_a_raw_message_is_noted_with_the_reason(hospital):
    await hospital.receive(name="7", requester="rita.okafor")
    (kept,) = await quarantine(hospital.ledger)
    data = await read_sealed(kept["object"], **await asked(hospital, why="the sender asks"))
    assert data == b'{"requester": "rita.okafor"}'
    (line,) = (await hospital.chain(VAULT)).lines
    assert (line.act, line.key, line.actor, line.body) == (
        "opened", kept["object"], "person:frida.ng", {"because": "the sender asks"},
    )  # fmt: skip


async def test_only_messages_are_read_through_the_vault(hospital):
    with pytest.raises(RefusedError, match="place: sealed messages lie under"):
        await read_sealed("objects/x", **await asked(hospital))


async def test_an_id_that_seems_to_be_about_a_patient_is_in_no_key(hospital):
    await hospital.receive(name="MRN 00412877", **GOOD)
    keys = [blob.key async for blob in hospital.ledger.store.list("")]
    assert not [key for key in keys if "00412877" in key]
    assert (await quarantine(hospital.ledger))[0]["id"] == "MRN 00412877"


async def test_a_message_kept_before_there_was_a_vault_is_the_same_message(hospital):
    raw = json.dumps(GOOD).encode()
    await hospital.ledger.store.create("inbox/inventory/9", raw)
    assert (await hospital.receive(name="9", **GOOD)).case
    assert await hospital.ledger.read_raw("inbox/inventory/9") == raw


async def test_a_ledger_without_a_vault_has_nothing_to_forget(hospital, tmp_path):
    told = await asked(hospital) | {"ledger": Ledger(FolderStore(tmp_path / "plain"))}
    with pytest.raises(NotFoundError, match="no vault"):
        await forget("message:inventory/1", **told)
