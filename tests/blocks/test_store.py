"""One contract for every store: the plain folder, and S3 on a real server."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import obstore
import pytest

from blocks.errors import ConflictError, NotFoundError, RefusedError, UnavailableError, UnreadableError
from blocks.ports import Store
from blocks.store import FolderStore, S3Store
from blocks.wire.requisitions import spell_out
from tests.stores import MemoryStore

RACERS = 24
ODD = [
    "a b", "50%", "a%2Fb", "%00", "a/b", "../../etc/passwd", "..", ".hidden", "Ünïcødé 合同 🏥", "x" * 300, "é" * 300,
    "a+b&c=d?e#f", 'quo"te\'s', "new\nline\ttab\x00nul", "~", "", "-", "C:\\drive", "%2E", "100%25",
]  # fmt: skip


async def keys(store: Store, prefix: str, after: str = "") -> list[str]:
    return [blob.key async for blob in store.list(prefix, after=after)]


async def test_what_is_written_is_read_back(store: Store):
    for key, data in (("a/1", b"one"), ("a/empty", b""), ("a/binary", bytes(range(256)) * 1000)):
        await store.create(key, data)
        assert await store.get(key) == data


async def test_a_place_is_written_once(store: Store):
    await store.create("a/1", b"one")
    with pytest.raises(ConflictError):
        await store.create("a/1", b"two")
    assert await store.get("a/1") == b"one"


async def test_how_old_something_is_is_told_by_the_stores_own_clock(store: Store):
    await store.create("a/1", b"one")
    first = await store.age_s("a/1")
    await asyncio.sleep(1.2)
    assert -1.1 <= first <= 30
    assert 0.1 <= await store.age_s("a/1") - first + 1.1 <= 30  # S3 tells whole seconds
    with pytest.raises(NotFoundError):
        await store.age_s("a/2")


async def test_a_store_that_is_away_cannot_tell_how_old_something_is():
    away = S3Store(
        "evidence", endpoint="http://127.0.0.1:9", timeout_s=0.2,
        region="us-east-1", access_key_id="a", secret_access_key="b",
    )  # fmt: skip
    with pytest.raises(UnavailableError):
        await away.age_s("a/1")


async def test_the_same_bytes_again_are_the_same_write(store: Store):
    for _ in range(3):
        await store.create("a/1", b"one")
    assert [blob.key async for blob in store.list("a/")] == ["a/1"]
    assert await store.get("a/1") == b"one"


async def test_what_somebody_else_wrote_over_is_listed_under_another_version(store: Store):
    await store.create("drop/a.csv", b"one")
    seen = [[blob async for blob in store.list("drop/")] for _ in range(2)]
    if isinstance(store, S3Store):
        await obstore.put_async(store._bucket, "drop/a.csv", b"two")
    elif isinstance(store, MemoryStore):
        store.kept["drop/a.csv"] = b"two"
    else:
        (store._root / "drop" / "a.csv").write_bytes(b"two")
    (before,), (same,) = seen
    (after,) = [blob async for blob in store.list("drop/")]
    assert before == same
    assert (after.key, after.size) == (before.key, before.size)
    assert after.version != before.version


async def test_of_many_racers_exactly_one_wins(store: Store):
    tries = (store.create("race/1", f"racer {racer}".encode()) for racer in range(RACERS))
    ended = await asyncio.gather(*tries, return_exceptions=True)
    won = [racer for racer, error in enumerate(ended) if error is None]
    assert len(won) == 1
    assert all(isinstance(error, ConflictError) for error in ended if error is not None)
    assert await store.get("race/1") == f"racer {won[0]}".encode()


async def test_a_place_is_written_over_by_who_saw_what_is_there(store: Store):
    await store.create("a/1", b"one")
    seen = await store.look("a/1")
    assert seen.data == b"one"
    assert [blob.version async for blob in store.list("a/")] == [seen.version]
    version = await store.swap("a/1", b"two", was=seen.version)
    assert await store.look("a/1") == (b"two", version)
    with pytest.raises(ConflictError):
        await store.swap("a/1", b"three", was=seen.version)
    assert await store.get("a/1") == b"two"


async def test_the_same_swap_again_is_the_same_write(store: Store):
    await store.create("a/1", b"one")
    seen = await store.look("a/1")
    versions = {await store.swap("a/1", b"two", was=seen.version) for _ in range(3)}
    assert len(versions) == 1


async def test_what_is_not_there_is_not_swapped(store: Store):
    await store.create("a/2", b"two")
    seen = await store.look("a/2")
    with pytest.raises(ConflictError):
        await store.swap("a/1", b"one", was=seen.version)
    for missing in ("a/1", "a"):
        with pytest.raises(NotFoundError):
            await store.look(missing)


async def test_of_many_who_saw_the_same_exactly_one_swaps(store: Store):
    await store.create("race/1", b"start")
    for turn in range(3):
        seen = await store.look("race/1")
        tries = (store.swap("race/1", f"{turn} {racer}".encode(), was=seen.version) for racer in range(RACERS))
        ended = await asyncio.gather(*tries, return_exceptions=True)
        won = [racer for racer, version in enumerate(ended) if isinstance(version, str)]
        assert len(won) == 1
        assert all(isinstance(error, ConflictError) for error in ended if not isinstance(error, str))
        assert await store.get("race/1") == f"{turn} {won[0]}".encode()


async def test_what_is_not_there_is_not_found(store: Store):
    await store.create("a/b/1", b"one")
    for key in ("a/2", "b", "a", "a/b", "a/b/1/2", f"a/{spell_out('x' * 300)}"):
        with pytest.raises(NotFoundError):
            await store.get(key)


async def test_listing_goes_in_key_order_from_after_a_key(store: Store):
    for key in ("cases/RQ-2/00000001.json", "cases/RQ-1/00000002.json", "cases/RQ-1/00000001.json", "other/1"):
        await store.create(key, key.encode())
    first, second, third = await keys(store, "cases/")
    assert (first, second) == ("cases/RQ-1/00000001.json", "cases/RQ-1/00000002.json")
    assert await keys(store, "cases/", after=first) == [second, third]
    assert await keys(store, "cases/RQ-1/", after=second) == []
    assert await keys(store, "nothing/") == []
    assert [blob.size async for blob in store.list("other/")] == [len(b"other/1")]


async def test_a_store_says_by_its_own_clock_when_something_was_written(store: Store):
    await store.create("some/key", b"1")
    assert abs(await store.written_at("some/key") - datetime.now(UTC)) < timedelta(minutes=5)
    with pytest.raises(NotFoundError):
        await store.written_at("some/other")


async def test_a_prefix_is_a_folder_not_the_beginning_of_a_name(store: Store):
    for key in ("cases/RQ-1/1", "cases/RQ-10/1", "cases/RQ-1~2/1"):
        await store.create(key, b"1")
    assert await keys(store, "cases/RQ-1/") == ["cases/RQ-1/1"]


async def test_more_than_a_page_is_listed_in_order(store: Store):
    wanted = [f"many/{number:05}" for number in range(1100)]
    await asyncio.gather(*(store.create(key, b"1") for key in reversed(wanted)))
    assert await keys(store, "many/") == wanted
    assert await keys(store, "many/", after=wanted[998]) == wanted[999:]


async def test_whatever_a_sender_calls_it_it_is_kept_found_and_listed_under_its_own_name(store: Store):
    named = {f"inbox/{spell_out('source')}/{spell_out(name)}": name for name in ODD}
    assert len(named) == len(ODD)
    for key, name in named.items():
        await store.create(key, name.encode())
    for key, name in named.items():
        assert await store.get(key) == name.encode()
    assert sorted(await keys(store, "inbox/")) == sorted(named)


@pytest.mark.parametrize("key", ["", "/a", "a/", "a//b", "a/../b", "..", "a/./b", "a/.hidden", "x" * 1000])
async def test_what_could_step_outside_is_no_key(store: Store, key: str):
    with pytest.raises(RefusedError):
        await store.create(key, b"1")


async def test_a_listing_of_a_folder_shows_no_draft(tmp_path: Path):
    store = FolderStore(tmp_path)
    await store.create("a/1", b"1")
    (tmp_path / "a" / ".0123456789abcdef").write_bytes(b"half")
    assert await keys(store, "a/") == ["a/1"]


async def test_a_server_that_is_not_there_is_unavailable():
    gone = S3Store(
        "evidence", endpoint="http://127.0.0.1:9", region="us-east-1", access_key_id="a", secret_access_key="b",
        timeout_s=1,
    )  # fmt: skip
    for attempt in (gone.create("a/1", b"1"), gone.get("a/1"), keys(gone, "a/")):
        with pytest.raises(UnavailableError):
            await attempt


async def test_a_key_that_is_not_ours_is_an_admins_matter_and_no_answer_to_anybodys_request(seaweed):
    stranger = S3Store(
        "evidence", endpoint=seaweed.site.ports.url("s3"), region="us-east-1",
        access_key_id=seaweed.site.keys.s3_access_key, secret_access_key="guessed",
    )  # fmt: skip
    for attempt in (stranger.create("a/1", b"1"), stranger.get("a/1"), keys(stranger, "a/")):
        with pytest.raises(UnreadableError, match="does not let us in: check AWS_ACCESS_KEY_ID") as raised:
            await attempt
        assert "403 Forbidden" in raised.value.detail
        assert "<" not in raised.value.detail


async def test_what_is_not_there_is_told_in_one_line(store: Store):
    with pytest.raises(NotFoundError) as raised:
        await store.get("a/1")
    assert "a/1" in str(raised.value)
    assert "\n" not in str(raised.value)
