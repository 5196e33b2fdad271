"""What lies over what was written once is told from what was taken away, on two unrelated servers."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from blocks.audit.verdict import Verdict, verify
from blocks.ledger import Ledger, entry_key
from blocks.records.ledger import Line
from blocks.retention import LockedBucket
from blocks.sealing.log import Log
from blocks.sealing.notes import HeadsLog
from blocks.sealing.sealer import Sealer
from blocks.sealing.witness import Witness, Witnessed
from blocks.wire.signed_note import COSIGNS, SecretKey
from tests.buckets import DAYS, Server
from tests.samples import NOON

KEY = SecretKey.made("log.example/ledger")
WITNESS = SecretKey.made("audit.example/witness", COSIGNS)
Verified = Callable[[], Awaitable[Verdict]]


@pytest.fixture
async def written(server: Server) -> Verified:
    """A sealed case of three entries with a document, and the way to verify it."""
    heads = HeadsLog(server.store, writer="test")
    ledger = Ledger(server.store, [heads])
    document, chain = await ledger.keep(b"what a person was shown"), await ledger.read("RQ-1")
    for number in range(3):
        line = Line(act="noted", actor="process:test", at=NOON, seen=document, body={"n": number})
        chain = await ledger.append(chain, [line])
    await heads.flush(NOON)
    await Sealer(ledger, KEY).round(NOON)
    later = NOON + timedelta(hours=1)
    return lambda: verify(Ledger(server.store), Log(server.store, KEY.public), bucket=server.bucket, now=later)


@pytest.fixture
async def seen(server: Server) -> Verified:
    """What a witness has seen of a log that grew once, in a place of its own, and the way to verify both."""
    store, own = server.store_at("ledger"), server.store_at("witness")
    heads, log = HeadsLog(store, writer="test"), Log(store, KEY.public)
    ledger = Ledger(store, [heads])
    sealer, witness = Sealer(ledger, KEY), Witness(log, own, WITNESS)
    for seconds in range(2):
        at = datetime.now(UTC) + timedelta(seconds=seconds)
        await ledger.append(await ledger.read("RQ-1"), [Line(act="noted", actor="process:test", at=at)])
        await heads.flush(at)
        await sealer.round(at)
        await witness.look(at)
    witnessed = Witnessed(own, WITNESS.public)
    here, there = (LockedBucket(server.client, server.name, place) for place in ("ledger/", "witness/"))
    return lambda: verify(Ledger(store), log, witnessed, bucket=here, witness_bucket=there)


def over(server: Server, key: str, data: bytes) -> None:
    server.client.put_object(Bucket=server.name, Key=key, Body=data)


def hide(server: Server, key: str) -> None:
    server.client.delete_object(Bucket=server.name, Key=key)


async def test_a_ledger_that_was_let_alone_holds_and_says_how_long_it_is_kept(written: Verified):
    verdict = await written()
    assert (verdict.findings, verdict.kept_days) == ((), DAYS)


async def test_a_second_version_over_an_entry_is_named_and_the_first_still_proves(server: Server, written: Verified):
    over(server, entry_key("RQ-1", 2), await server.store.get(entry_key("RQ-1", 1)))
    (found,) = (await written()).findings
    assert (found.case, found.where, found.fault) == ("RQ-1", entry_key("RQ-1", 2), "shadowed")
    assert found.because.startswith("a second version was put over it at ")
    assert "the first version is still there, and proves what was written" in found.because


async def test_an_entry_under_a_delete_marker_is_hidden_and_not_gone(server: Server, written: Verified):
    hide(server, entry_key("RQ-1", 3))
    (found,) = (await written()).findings
    assert (found.where, found.fault) == (entry_key("RQ-1", 3), "shadowed")
    assert "it is hidden by a delete marker" in found.because
    assert "proves what was written" in found.because


async def test_a_whole_case_that_is_hidden_is_named_once_by_its_first_entry(server: Server, written: Verified):
    for seq in (1, 2, 3):
        hide(server, entry_key("RQ-1", seq))
    findings = (await written()).findings
    assert [one.where for one in findings if one.case == "RQ-1"] == [entry_key("RQ-1", 1)]
    assert "hidden by a delete marker" in findings[0].because


async def test_what_is_written_where_an_entry_was_hidden_does_not_pass_for_it(server: Server, written: Verified):
    hide(server, entry_key("RQ-1", 3))
    ledger = Ledger(server.store)
    await ledger.append(await ledger.read("RQ-1"), [Line(act="noted", actor="process:thief", at=NOON)])
    (found,) = (await written()).findings
    assert (found.where, found.fault) == (entry_key("RQ-1", 3), "shadowed")
    assert "a second version was put over it" in found.because


async def test_a_document_and_a_tile_of_the_log_with_something_over_them_are_named(server: Server, written: Verified):
    (document,) = [one.key async for one in server.store.list("objects/")]
    tile = next(iter([one.key async for one in server.store.list("log/tile/")]))
    over(server, document, b"what nobody was shown")
    hide(server, tile)
    found = {one.where: one for one in (await written()).findings if one.fault == "shadowed"}
    assert set(found) == {document, tile}
    assert "proves what was written" in found[document].because


async def test_the_heads_are_written_over_as_they_go_and_a_marker_that_was_lifted_hides_nothing(
    server: Server, written: Verified
):
    hide(server, entry_key("RQ-1", 1))
    (marker,) = [one for one in await server.versions("cases/") if one.hides]
    server.client.delete_object(Bucket=server.name, Key=marker.key, VersionId=marker.id)
    over(server, entry_key("RQ-1", 2), await server.store.get(entry_key("RQ-1", 2)))
    assert len(await server.versions("log/lock")) > 1
    assert (await written()).findings == ()


async def older(server: Server, key: str) -> bytes:
    """Read the first but one version of a head: the empty one is no head that was published."""
    real = [one for one in await server.versions(key) if not one.hides]
    return await server.bucket.read(real[1])


async def test_heads_that_were_put_back_are_told_from_those_under_them(server: Server, seen: Verified):
    assert (await seen()).findings == ()
    for key in ("ledger/log/checkpoint", "ledger/log/lock", "witness/checkpoint"):
        over(server, key, await older(server, key))
    found = {(one.case, one.where): one for one in (await seen()).findings if one.fault == "replayed"}
    assert set(found) == {("log", "log/checkpoint"), ("log", "log/lock"), ("witness", "checkpoint")}
    assert "an old head, of 1 entries, was put over it at " in found["witness", "checkpoint"].because
    assert "that of 2 is still there" in found["log", "log/checkpoint"].because


async def test_what_hides_the_head_of_the_witness_is_named_and_what_is_no_head_too(server: Server, seen: Verified):
    hide(server, "witness/checkpoint")
    over(server, "ledger/log/checkpoint", b"nothing that anybody signed")
    found = {(one.case, one.where): one for one in (await seen()).findings}
    assert {one.fault for one in found.values()} == {"shadowed"}
    assert "it is hidden by a delete marker" in found["witness", "checkpoint"].because
    assert "no signed head; that of 2 entries is still there" in found["log", "log/checkpoint"].because


async def test_a_head_of_the_witness_without_the_logs_own_signature_is_named(server: Server, seen: Verified):
    kept = await server.store.get("witness/checkpoint")
    first, *signed, last = kept.split(b"\n\n")[1].splitlines(keepends=True)
    assert (first.startswith(b"\xe2\x80\x94 log.example/ledger "), signed) == (True, [])
    over(server, "witness/checkpoint", kept.split(b"\n\n")[0] + b"\n\n" + last)
    (found,) = (await seen()).findings
    assert (found.case, found.where, found.fault) == ("witness", "checkpoint", "shadowed")
    assert "is no signed head; that of 2 entries is still there" in found.because
