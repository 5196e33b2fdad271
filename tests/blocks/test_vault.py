"""The vault: sealed for one place under one subject's key; altered, moved or forgotten, it opens no more."""

import base64
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from blocks.errors import ForgottenError, UnreadableError
from blocks.store import FolderStore, KeyBucket
from blocks.vault import SEALED, SealError, SubjectKey, Vault, master_key
from infrastructure.local.stack.running import BackgroundStack

MASTER, PLACE = b"m" * 32, "inbox/ehr/1"


def vault(root: Path, master: bytes = MASTER) -> Vault:
    return Vault(lambda: (FolderStore(root), master))


@given(value=st.binary(max_size=200), place=st.text(max_size=40))
def test_what_is_sealed_opens_as_it_was_and_is_the_same_bytes_each_time(value: bytes, place: str):
    key = SubjectKey("s", b"k" * 32)
    sealed = key.seal(value, place)
    assert key.seal(value, place) == sealed
    assert key.opened(sealed, place) == value


@given(value=st.binary(max_size=60), at=st.integers(min_value=0), bit=st.integers(0, 7))
def test_a_flipped_bit_is_noticed_wherever_it_is(value: bytes, at: int, bit: int):
    key = SubjectKey("s", b"k" * 32)
    sealed = bytearray(key.seal(value, PLACE))
    sealed[at % len(sealed)] ^= 1 << bit
    with pytest.raises(SealError):
        key.opened(bytes(sealed), PLACE)


async def test_what_is_moved_to_another_place_does_not_open(tmp_path):
    one = vault(tmp_path)
    sealed = (await one.key("patient:1")).seal(b"x", PLACE)
    with pytest.raises(SealError, match="inbox/ehr/2 is not as it was sealed"):
        await one.open(sealed, "inbox/ehr/2")


async def test_a_subject_has_one_key_for_all_processes(tmp_path):
    one, other = vault(tmp_path), vault(tmp_path)
    sealed = (await one.key("patient:1")).seal(b"x", PLACE)
    assert (await other.key("patient:1")).seal(b"x", PLACE) == sealed
    assert await other.open(sealed, PLACE) == b"x"
    assert (await other.key("patient:2")).secret != (await one.key("patient:1")).secret


async def test_digests_of_one_value_for_two_subjects_have_nothing_in_common(tmp_path):
    one = vault(tmp_path)
    assert (await one.key("patient:1")).digest(b"x") != (await one.key("patient:2")).digest(b"x")


async def test_a_forgotten_subject_has_no_key_any_more_and_gets_no_other(tmp_path):
    one = vault(tmp_path)
    sealed = (await one.key("patient:1")).seal(b"x", PLACE)
    await one.shred(one.name("patient:1"))
    with pytest.raises(ForgottenError):
        await one.open(sealed, PLACE)
    with pytest.raises(ForgottenError):
        await one.key("patient:1")


async def test_neither_keys_nor_their_names_say_anything_without_the_master_key(tmp_path):
    one = vault(tmp_path)
    key = await one.key("patient:Quillfeather")
    (kept,) = (tmp_path / "keys").iterdir()
    assert key.secret not in kept.read_bytes()
    assert base64.b64encode(key.secret) not in kept.read_bytes()
    assert "Quillfeather" not in kept.name
    assert "patient:Quillfeather" not in repr(key)
    with pytest.raises(SealError, match="of another master key"):
        await vault(tmp_path, b"n" * 32)._known(key.name)


async def test_what_was_sealed_elsewhere_says_that_its_key_is_not_here(tmp_path):
    sealed = (await vault(tmp_path / "one").key("patient:1")).seal(b"x", PLACE)
    with pytest.raises(SealError, match="is this the store of keys that sealed it"):
        await vault(tmp_path / "two").open(sealed, PLACE)


@pytest.mark.parametrize("broken", [b"", b"{}", b"[]", b'{"nonce":"","wrapped":""}', b'{"nonce":1,"wrapped":2}'])
async def test_a_damaged_key_is_told_as_such(tmp_path, broken):
    one = vault(tmp_path)
    await FolderStore(tmp_path).create(f"keys/{one.name('patient:1')}", broken)
    with pytest.raises(SealError, match="is damaged"):
        await one.key("patient:1")


async def test_what_lay_there_before_the_vault_is_read_as_it_came(tmp_path):
    assert await vault(tmp_path).open(b'{"item": 1}', PLACE) == b'{"item": 1}'
    assert not b'{"item": 1}'.startswith(SEALED)


@pytest.mark.parametrize("text", ["", "short", "!" * 44, base64.b64encode(b"x" * 31).decode()])
def test_a_master_key_that_is_none_says_how_one_is_made(text):
    with pytest.raises(UnreadableError, match="make one with python -c"):
        master_key(text)
    assert master_key(f"{base64.b64encode(MASTER).decode()}\n") == MASTER


@pytest.mark.parametrize("versioned", [False, True], ids=["plain", "versioned"])
async def test_no_version_of_a_key_in_a_bucket_outlives_it(seaweed: BackgroundStack, monkeypatch, versioned: bool):
    import boto3

    site = seaweed.site
    for name, value in site.own_environment().items():
        monkeypatch.setenv(name, value)
    client, bucket = boto3.client("s3", endpoint_url=site.ports.url("s3")), f"keys-{uuid4().hex[:8]}"
    client.create_bucket(Bucket=bucket)
    if versioned:
        client.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    prefix = f"vault-{uuid4().hex[:8]}"
    one = Vault(lambda: (KeyBucket(bucket, prefix=prefix, endpoint=site.ports.url("s3")), MASTER))
    sealed = (await one.key("patient:1")).seal(b"x", PLACE)
    assert await one.open(sealed, PLACE) == b"x"
    await one.shred(one.name("patient:1"))
    with pytest.raises(ForgottenError):
        await one.open(sealed, PLACE)
    listed = client.list_object_versions(Bucket=bucket, Prefix=prefix)
    left = [
        client.get_object(Bucket=bucket, Key=x["Key"], VersionId=x["VersionId"])["Body"].read()
        for x in listed["Versions"]
    ]
    assert left == [b'{"forgotten":true}']
