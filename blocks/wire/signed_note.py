"""Signed notes, checkpoints and cosignatures as C2SP writes them: `signed-note`, `tlog-checkpoint`, `tlog-cosignature`.

A note is text and, below a blank line, one line a signature. A checkpoint is a note that says of a log how many
entries it has and their root hash. Signatures are Ed25519; keys are printed as Go's `sumdb/note` prints them.
"""

import base64
import binascii
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import NamedTuple, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from blocks.wire.merkle import HASH_BYTES

SIGNS, COSIGNS = 1, 4
"""What a key does: signs a note, or says when it saw a log grow as it should (signature types of C2SP)."""
_NAME = re.compile(r"[^\s+]+")
_STAMP_BYTES = 8
_LINE = re.compile(r"— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})")
_SECRET = re.compile(r"PRIVATE\+KEY\+([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")
_PUBLIC = re.compile(r"([^\s+]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/]+={0,2})")
_SIZE = re.compile(r"0|[1-9][0-9]{0,17}")


class KeyTextError(ValueError):
    """A key is not written as it must be; the text does not repeat it."""


class Signature(NamedTuple):
    """One signature of a note: by which key, and its bytes."""

    name: str
    key_id: bytes
    data: bytes

    @property
    def line(self) -> str:
        """The line under the note."""
        return f"— {self.name} {base64.b64encode(self.key_id + self.data).decode()}\n"


class Note(NamedTuple):
    """Text (ending in a newline) and its signatures."""

    text: str
    signatures: tuple[Signature, ...]

    @property
    def data(self) -> bytes:
        """The note as it is stored."""
        return (self.text + "\n" + "".join(one.line for one in self.signatures)).encode()


def read_note(data: bytes) -> Note | None:
    """Read a note, or None where the bytes are none. Says nothing of its signatures."""
    try:
        text, blank, below = data.decode().rpartition("\n\n")
    except UnicodeDecodeError:
        return None
    signatures = [_signature(line) for line in below.removesuffix("\n").split("\n")]
    if not blank or not below.endswith("\n") or not all(signatures) or _has_control(text):
        return None
    return Note(text + "\n", tuple(one for one in signatures if one))


def _has_control(text: str) -> bool:
    return any(character < " " and character != "\n" for character in text)


def _signature(line: str) -> Signature | None:
    found = _LINE.fullmatch(line)
    data = _base64(found[2]) if found else b""
    return Signature(found[1], data[:4], data[4:]) if found and len(data) > 4 else None  # noqa: PLR2004  a key's id


@dataclass(frozen=True)
class PublicKey:
    """Whose signatures are believed: a name, what the key does (`SIGNS` or `COSIGNS`), and its 32 bytes."""

    name: str
    kind: int
    key: bytes

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `<name>+<id>+<base64>`, as Go's `note.NewVerifier` does. Raises KeyTextError."""
        found = _PUBLIC.fullmatch(text.strip())
        raw = _base64(found[3]) if found else b""
        if not found or len(raw) != 1 + HASH_BYTES or raw[0] not in (SIGNS, COSIGNS):
            raise KeyTextError("a public key reads name+id+key, as `almoner ledger keys` prints it")
        key = cls(found[1], raw[0], raw[1:])
        if key.key_id.hex() != found[2]:
            raise KeyTextError(f"the public key of {key.name} was copied wrongly: its id does not fit")
        return key

    @property
    def key_id(self) -> bytes:
        """The four bytes by which a signature names its key."""
        return sha256(self.name.encode() + b"\n" + bytes([self.kind]) + self.key).digest()[:4]

    @property
    def text(self) -> str:
        """The key as one writes it down."""
        return f"{self.name}+{self.key_id.hex()}+{base64.b64encode(bytes([self.kind]) + self.key).decode()}"

    def signed(self, note: Note) -> bool:
        """Say whether this key signed the note, and nothing under it only claims to be this key's."""
        claimed = self.signatures_in(note)
        return bool(claimed) and all(self._made(one, note.text) for one in claimed)

    def signatures_in(self, note: Note) -> list[Signature]:
        """Find the signatures that say they are this key's."""
        return [one for one in note.signatures if (one.name, one.key_id) == (self.name, self.key_id)]

    def _made(self, signature: Signature, text: str) -> bool:
        data, said = signature.data, text.encode()
        if self.kind == COSIGNS:
            said, data = _cosigned(int.from_bytes(data[:_STAMP_BYTES]), text), data[_STAMP_BYTES:]
        try:
            Ed25519PublicKey.from_public_bytes(self.key).verify(data, said)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class SecretKey:
    """A key that signs. `repr` shows nothing of it."""

    name: str
    kind: int
    seed: bytes = field(repr=False)

    @classmethod
    def made(cls, name: str, kind: int = SIGNS) -> Self:
        """Make a new key. Raises KeyTextError for a name that no signature may carry."""
        if not _NAME.fullmatch(name):
            raise KeyTextError(f"a key's name holds no space and no plus: {name!r}")
        return cls(name, kind, Ed25519PrivateKey.generate().private_bytes_raw())

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `PRIVATE+KEY+<name>+<id>+<base64>`, as Go's `note.NewSigner` does. Raises KeyTextError."""
        found = _SECRET.fullmatch(text.strip())
        raw = _base64(found[3]) if found else b""
        if not found or len(raw) != 1 + HASH_BYTES or raw[0] not in (SIGNS, COSIGNS):
            raise KeyTextError("a secret key reads PRIVATE+KEY+name+id+key, as `almoner ledger keys new` prints it")
        key = cls(found[1], raw[0], raw[1:])
        if key.public.key_id.hex() != found[2]:
            raise KeyTextError(f"the secret key of {key.name} was copied wrongly: its id does not fit")
        return key

    @property
    def public(self) -> PublicKey:
        """The half that everybody may know."""
        raw = Ed25519PrivateKey.from_private_bytes(self.seed).public_key().public_bytes_raw()
        return PublicKey(self.name, self.kind, raw)

    @property
    def text(self) -> str:
        """The key as one keeps it: a secret."""
        packed = base64.b64encode(bytes([self.kind]) + self.seed).decode()
        return f"PRIVATE+KEY+{self.name}+{self.public.key_id.hex()}+{packed}"

    def sign(self, text: str) -> Signature:
        """Sign a note's text."""
        return Signature(self.name, self.public.key_id, self._signed(text.encode()))

    def cosign(self, text: str, at: int) -> Signature:
        """State, at *at* (seconds since 1970), that the checkpoint is the largest seen and continues all before."""
        return Signature(self.name, self.public.key_id, at.to_bytes(_STAMP_BYTES) + self._signed(_cosigned(at, text)))

    def _signed(self, said: bytes) -> bytes:
        return Ed25519PrivateKey.from_private_bytes(self.seed).sign(said)


def _cosigned(at: int, text: str) -> bytes:
    return f"cosignature/v1\ntime {at}\n{text}".encode()


def cosigned_at(signature: Signature) -> int:
    """Say when a cosignature was given, in seconds since 1970."""
    return int.from_bytes(signature.data[:_STAMP_BYTES])


class Checkpoint(NamedTuple):
    """A log's head: how many entries, and the root hash over them."""

    origin: str
    size: int
    root: bytes

    @property
    def text(self) -> str:
        """The checkpoint as it is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"

    def signed(self, keys: Sequence[SecretKey]) -> Note:
        """Sign it with each of *keys*."""
        return Note(self.text, tuple(key.sign(self.text) for key in keys))


def read_checkpoint(note: Note) -> Checkpoint | None:
    """Read the checkpoint that a note's text says, or None where it says none."""
    origin, size, root = [*note.text.split("\n"), "", "", ""][:3]
    raw = _base64(root)
    if not origin or not _SIZE.fullmatch(size) or len(raw) != HASH_BYTES:
        return None
    found = Checkpoint(origin, int(size), raw)
    return found if found.text == note.text else None


def _base64(text: str) -> bytes:
    """Read canonical base64; nothing where it is none."""
    try:
        raw = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    return raw if base64.b64encode(raw).decode() == text else b""
