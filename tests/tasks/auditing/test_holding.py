"""A legal hold keeps a case and all that proves it, whoever asks otherwise, until somebody who may lifts it."""

from functools import partial
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

from blocks.books import VAULT
from blocks.errors import NotFoundError, RefusedError
from blocks.ledger import Ledger
from blocks.records.ledger import Line
from blocks.rulebook import Shelf
from tasks.auditing.forgetting import forget
from tasks.auditing.grounds import Grounds
from tasks.auditing.holding import BOOK, Held, hold, hold_on, hold_what_came, holds, release
from tests.buckets import Server
from tests.hospital import MORNING, Hospital
from tests.stores import Overtaken

WHY = "matter 2026-17"


async def by(hospital: Hospital, who: str = "frida.ng", why: str = WHY) -> dict[str, object]:
    rulebook = await Shelf(hospital.ledger).in_force(hospital.now)
    grounds = Grounds(rulebook.directory.person(who), why, "test", hospital.now)
    return {"grounds": grounds, "ledger": hospital.ledger, "policy": rulebook.policy}


async def test_the_ledger_says_who_put_a_hold_on_and_who_lifted_it_and_why(hospital: Hospital):
    case = await hospital.submit("IVSET-20", 40)
    for _ in range(2):  # to say it twice is to say it once
        await hold(case, bucket=None, **await by(hospital))
    held = await hold_on(case, hospital.ledger)
    assert held is not None
    assert held.words == f"under legal hold since {hospital.now:%Y-%m-%d %H:%M} UTC by frida.ng ({WHY})"
    await release(case, bucket=None, **await by(hospital, why="matter closed"))
    assert await holds(hospital.ledger) == ()
    lines = (await hospital.chain(BOOK)).lines
    assert [(x.act, x.key, x.actor, x.body["because"]) for x in lines] == [
        ("held-legally", case, "person:frida.ng", WHY),
        ("hold-lifted", case, "person:frida.ng", "matter closed"),
    ]
    assert await hospital.verified()


async def test_nothing_under_a_hold_is_forgotten_until_it_is_lifted(hospital: Hospital):
    case = await hospital.submit("IVSET-20", 40)
    await hold(case, bucket=None, **await by(hospital))
    with pytest.raises(RefusedError, match=rf"subject: under legal hold since .* by frida.ng \({WHY}\)"):
        await forget("message:inventory/1", **await by(hospital))
    assert await hospital.ledger.read_raw("inbox/inventory/1")
    await release(case, bucket=None, **await by(hospital))
    await forget("message:inventory/1", **await by(hospital))


async def test_a_hold_that_comes_while_somebody_forgets_keeps_the_key(hospital: Hospital, tmp_path: Path):
    case, store = await hospital.submit("IVSET-20", 40), Overtaken(tmp_path / "store")
    store.at, asked = f"cases/{VAULT}/", await by(hospital)
    store.first = partial(hold, case, bucket=None, **asked)
    overtaken = asked | {"ledger": Ledger(store, vault=hospital.ledger.vault)}
    with pytest.raises(RefusedError, match=r"subject: under legal hold since"):
        await forget("message:inventory/1", **overtaken)
    assert await hospital.ledger.read_raw("inbox/inventory/1")
    assert [line.act for line in (await hospital.chain(VAULT)).lines] == ["forgets"]


async def test_a_hold_that_comes_too_late_to_keep_the_key_says_who_was_forgetting_it(hospital: Hospital, monkeypatch):
    case, told = await hospital.submit("IVSET-20", 40), list[Held]()
    shred = hospital.ledger.vault.shred

    async def held_first(name: str) -> None:
        told.append(await hold(case, bucket=None, **await by(hospital)))
        await shred(name)

    monkeypatch.setattr(hospital.ledger.vault, "shred", held_first)
    await forget("message:inventory/1", **await by(hospital))
    again = await hold(case, bucket=None, **await by(hospital))
    assert told[0].forgetting.startswith(f"frida.ng began to have it forgotten at {hospital.now:%Y-%m-%d %H:%M} UTC")
    assert again.forgetting.startswith(f"frida.ng had it forgotten at {hospital.now:%Y-%m-%d %H:%M} UTC ({WHY})")


async def test_a_subject_is_held_by_its_name_in_the_vault_and_the_ledger_spells_it_nowhere(hospital: Hospital):
    await hospital.submit("IVSET-20", 40)
    held = await hold("message:inventory/1", bucket=None, **await by(hospital))
    assert hospital.ledger.vault is not None
    assert held.target == hospital.ledger.vault.name("message:inventory/1")
    with pytest.raises(RefusedError, match="under legal hold"):
        await forget("message:inventory/1", **await by(hospital))
    assert "inventory/1" not in str((await hospital.chain(BOOK)).lines)


async def test_who_may_not_or_means_nothing_that_is_there_changes_nothing(hospital: Hospital):
    case = await hospital.submit("IVSET-20", 40)
    with pytest.raises(RefusedError, match="as: a legal hold is put on"):
        await hold(case, bucket=None, **await by(hospital, "rita.okafor"))
    with pytest.raises(NotFoundError, match="there is no case RQ-NOWHERE"):
        await hold("RQ-NOWHERE", bucket=None, **await by(hospital))
    with pytest.raises(RefusedError, match="was never under a legal hold"):
        await release(case, bucket=None, **await by(hospital))
    assert (await hospital.chain(BOOK)).seq == 0


async def case_of(ledger: Ledger, name: str, document: str) -> None:
    line = Line(act="noted", actor="process:test", at=MORNING, seen=document)
    await ledger.append(await ledger.read(name), [line])


async def on_server(server: Server, hospital: Hospital) -> dict[str, object]:
    """Who asks in the hospital, of a ledger that is in a bucket."""
    return await by(hospital) | {"ledger": Ledger(server.store), "bucket": server.bucket}


async def held(server: Server, prefix: str) -> list[bool]:
    return [await server.bucket.is_held(one) for one in await server.versions(prefix)]


async def test_a_hold_is_on_every_version_of_a_case_and_its_documents_and_on_no_others(
    server: Server, hospital: Hospital
):
    ledger, asked = Ledger(server.store), await on_server(server, hospital)
    document, other = await ledger.keep(b"what was shown"), await ledger.keep(b"of another case")
    await case_of(ledger, "RQ-1", document)
    await case_of(ledger, "RQ-10", other)
    await server.store.create(f"results/PO-1/RQ-1/00000001~{'0' * 64}.json", b"{}")
    server.client.put_object(Bucket=server.name, Key="cases/RQ-1/00000001.json", Body=b"over it")
    done = await hold("RQ-1", **asked)
    assert done.objects == 4
    assert await held(server, "cases/RQ-1/") == [True, True]
    assert await held(server, f"objects/{document}") + await held(server, "results/") == [True, True]
    assert await held(server, "cases/RQ-10/") + await held(server, f"objects/{other}") == [False, False]
    version = (await server.versions("cases/RQ-1/"))[0]
    with pytest.raises(ClientError):
        server.client.delete_object(Bucket=server.name, Key=version.key, VersionId=version.id)


async def test_what_a_held_case_gains_is_held_by_upkeep_and_what_two_share_stays_until_both_are_lifted(
    server: Server, hospital: Hospital
):
    ledger, asked = Ledger(server.store), await on_server(server, hospital)
    document = await ledger.keep(b"the policy of both")
    for case in ("RQ-1", "RQ-2"):
        await case_of(ledger, case, document)
        await hold(case, **asked)
    await case_of(ledger, "RQ-1", document)
    assert await hold_what_came(ledger, server.bucket) == 1
    assert await held(server, "cases/RQ-1/") == [True, True]
    await release("RQ-1", **asked)
    assert await held(server, "cases/RQ-1/") == [False, False]
    assert await held(server, f"objects/{document}") == [True]
    await release("RQ-2", **asked)
    assert await held(server, f"objects/{document}") == [False]
