"""Signed notes: the examples of Go's documentation, and what must not be believed."""

import base64

import pytest

from blocks.wire.merkle import leaf_hash
from blocks.wire.signed_note import (
    COSIGNS,
    Checkpoint,
    KeyTextError,
    Note,
    PublicKey,
    SecretKey,
    cosigned_at,
    read_checkpoint,
    read_note,
)

# golang.org/x/mod/sumdb/note: example_test.go.
PUBLIC = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
SECRET = "PRIVATE+KEY+PeterNeumann+c74f20a3+AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz"
TEXT = "If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
BY = "— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
SIGNED = f"{TEXT}\n{BY}".encode()
HEAD = Checkpoint("log.example/ledger", 7, leaf_hash(b"7"))


def test_the_signature_of_the_example_is_made_and_believed():
    key = SecretKey.parse(SECRET)
    note = read_note(SIGNED)
    assert (key.text, key.public.text) == (SECRET, PUBLIC)
    assert note == Note(TEXT, (key.sign(TEXT),))
    assert note.data == SIGNED
    assert PublicKey.parse(PUBLIC).signed(note)


def test_a_checkpoint_signed_by_two_keys_is_each_ones():
    old, new, stranger = (SecretKey.made("log.example/ledger") for _ in range(3))
    note = read_note(HEAD.signed([old, new]).data)
    assert note is not None
    assert read_checkpoint(note) == HEAD
    assert [key.public.signed(note) for key in (old, new, stranger)] == [True, True, False]


def test_a_cosignature_says_when_and_is_no_plain_signature():
    witness = SecretKey.made("audit.example/witness", COSIGNS)
    stated = witness.cosign(HEAD.text, 1_679_315_147)
    note = Note(HEAD.text, (stated,))
    assert witness.public.signed(note)
    assert cosigned_at(stated) == 1_679_315_147
    assert not PublicKey.parse(witness.public.text).signed(Note(HEAD.text.replace("7", "8"), (stated,)))
    earlier = stated._replace(data=bytes(8) + stated.data[8:])
    assert not witness.public.signed(Note(HEAD.text, (earlier,)))


def test_a_note_under_which_one_signature_only_claims_to_be_the_keys_is_not_believed():
    key = SecretKey.made("log.example/ledger")
    good = key.sign(TEXT)
    assert not key.public.signed(Note(TEXT, (good, good._replace(data=bytes(64)))))
    assert not key.public.signed(Note(TEXT, ()))


@pytest.mark.parametrize("data", [
    b"", b"\xff\n\n", b"no signature\n", b"text\n\n", b"text\n\n\xe2\x80\x94 name\n", SIGNED.removesuffix(b"\n"),
    SIGNED.replace(b"x08go", b"x08g*"), b"\ttab" + SIGNED, SIGNED + b"\xe2\x80\x94 short AAAA\n",
    SIGNED.replace(b"JnAM=", b"JnAN="),
])  # fmt: skip
def test_what_is_no_note_is_none(data: bytes):
    assert read_note(data) is None


@pytest.mark.parametrize("text", [
    "", "log\n1\n", "log\n01\nAAAA\n", "\n1\n" + base64.b64encode(bytes(32)).decode() + "\n",
    "log\n-1\n" + base64.b64encode(bytes(32)).decode() + "\n", "log\n1\nAAAA\n", HEAD.text + "more\n", "log\n1\né\n",
])  # fmt: skip
def test_what_is_no_checkpoint_is_none(text: str):
    assert read_checkpoint(Note(text, ())) is None


@pytest.mark.parametrize("text", [
    "", "PeterNeumann", PUBLIC.replace("c74f20a3", "c74f20a4"), PUBLIC.replace("+AR", "+AS"), PUBLIC[:-8],
    SECRET.replace("c74f20a3", "c74f20a4"), SECRET[:-8], "name+00000000+AAAA",
])  # fmt: skip
def test_a_key_copied_wrongly_is_refused_without_being_repeated(text: str):
    for kind in (PublicKey, SecretKey):
        with pytest.raises(KeyTextError) as raised:
            kind.parse(text)
        assert SECRET[-20:] not in str(raised.value)


def test_a_key_is_named_as_a_signature_can_carry_it():
    with pytest.raises(KeyTextError, match="no space and no plus"):
        SecretKey.made("two words")


def test_a_secret_key_does_not_show_itself():
    key = SecretKey.made("log.example/ledger")
    assert repr(key.seed) not in repr(key)
