"""The vault: what may speak of a patient is sealed under a key of its subject, and the key can be destroyed.

    keys/<name>    one a subject: its key, sealed under the master key; after it was forgotten, a word that it was

*Subject* is whose data it is: a patient, or a single message where nobody knows yet whom it speaks of. The ledger
and the names of keys hold the subject's *name* alone, a keyed digest: who has the ledger but not the master key learns
nothing of it. The keys lie outside the evidence and its lock, in a store of their own, so that they can be destroyed.
"""

import hashlib
import hmac
import json
import secrets
from base64 import b64decode, b64encode
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from blocks.errors import ConflictError, ForgottenError, NotFoundError, UnreadableError
from blocks.ports import KeyStore
from blocks.wire.canonical import canonical

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

SEALED = b"almoner-vault/1 "
"""How what is sealed begins; what does not was kept before there was a vault, and lies as it came."""
KEY_BYTES, NONCE_BYTES, NAME_CHARS = 32, 12, 32
FORGOTTEN = canonical({"forgotten": True})


class SealError(UnreadableError):
    """Something sealed is not as it was sealed, or was sealed under another master key."""


def sealed_for(data: bytes) -> str | None:
    """Name the subject for whom something was sealed; None where it was kept before there was a vault."""
    head, _, _ = data.partition(b"\n")
    return head.removeprefix(SEALED).decode(errors="replace") if head.startswith(SEALED) else None


@dataclass(frozen=True, repr=False)
class SubjectKey:
    """The key of one subject, for as long as it is in hand; it is never printed."""

    name: str
    secret: bytes

    def digest(self, value: bytes) -> str:
        """Name a value by HMAC-SHA256, in hex: without the key nobody can tell, or guess, what it was."""
        return _hmac(self.secret, b"digest", value).hex()

    def seal(self, value: bytes, place: str) -> bytes:
        """Encrypt a value for one place (AES-256-GCM); the same value there is always the same bytes.

        So a message that is sent twice is kept once, as it is without a vault. The nonce is a digest of place and
        value under the subject's own key, so it never serves two values.
        """
        nonce = _hmac(self.secret, b"nonce", place.encode(), value)[:NONCE_BYTES]
        head = SEALED + self.name.encode() + b"\n"
        return head + nonce + self._cipher.encrypt(nonce, value, head + place.encode())

    def opened(self, sealed: bytes, place: str) -> bytes:
        """Decrypt what was sealed for a place; `SealError` where it is not that."""
        head, _, rest = sealed.partition(b"\n")
        value = _decrypted(self._cipher, rest[:NONCE_BYTES], rest[NONCE_BYTES:], head + b"\n" + place.encode())
        if value is None:
            raise SealError("vault", f"{place} is not as it was sealed")
        return value

    @cached_property
    def _cipher(self) -> "AESGCM":
        return _aes(_hmac(self.secret, b"cipher"))


class Vault:
    """Seals and opens. *opened* says where the keys lie and gives the master key, when the first of them is needed."""

    def __init__(self, opened: Callable[[], tuple[KeyStore, bytes]]) -> None:
        self._opened = opened

    def name(self, subject: str) -> str:
        """Name a subject so that nobody without the master key can tell whom it means."""
        return _hmac(self._master, b"name", subject.encode()).hex()[:NAME_CHARS]

    async def key(self, subject: str) -> SubjectKey:
        """Return the key of a subject, made at its first use; `ForgottenError` where it was destroyed.

        A subject that is new costs one write. Keys are not remembered here: what is forgotten is forgotten at once.
        """
        name, secret = self.name(subject), secrets.token_bytes(KEY_BYTES)
        try:
            await self._keys.create(_place(name), self._wrapped(name, secret))
        except ConflictError:
            return await self._known(name)
        return SubjectKey(name, secret)

    async def open(self, sealed: bytes, place: str) -> bytes:
        """Read what lies at a place; `ForgottenError` where its subject's key was destroyed."""
        if not sealed.startswith(SEALED):
            return sealed
        return (await self._known(str(sealed_for(sealed)))).opened(sealed, place)

    async def knows(self, subject: str) -> bool:
        """Say whether anything was ever sealed for a subject, whether or not it was forgotten since."""
        try:
            await self._keys.get(_place(self.name(subject)))
        except NotFoundError:
            return False
        return True

    async def shred(self, name: str) -> None:
        """Destroy the key of the subject of that name, for good; it is never made again."""
        await self._keys.shred(_place(name), FORGOTTEN)

    async def _known(self, name: str) -> SubjectKey:
        try:
            kept = await self._keys.get(_place(name))
        except NotFoundError:
            raise SealError("vault", f"there is no key {name}: is this the store of keys that sealed it?") from None
        if kept == FORGOTTEN:
            raise ForgottenError(f"{name} was forgotten: its key was destroyed")
        try:
            told = json.loads(kept)
            nonce, wrapped = b64decode(told["nonce"]), b64decode(told["wrapped"])
            secret = _decrypted(self._wrapper, nonce, wrapped, name.encode())
        except (ValueError, KeyError, TypeError):
            secret = None
        if secret is None:
            raise SealError("vault", f"the key {name} is damaged, or of another master key")
        return SubjectKey(name, secret)

    def _wrapped(self, name: str, secret: bytes) -> bytes:
        nonce = secrets.token_bytes(NONCE_BYTES)
        wrapped = self._wrapper.encrypt(nonce, secret, name.encode())
        return canonical({"nonce": b64encode(nonce).decode(), "wrapped": b64encode(wrapped).decode()})

    @cached_property
    def _both(self) -> tuple[KeyStore, bytes]:
        return self._opened()

    @property
    def _keys(self) -> KeyStore:
        return self._both[0]

    @property
    def _master(self) -> bytes:
        return self._both[1]

    @cached_property
    def _wrapper(self) -> "AESGCM":
        return _aes(_hmac(self._master, b"wrap"))


def master_key(text: str) -> bytes:
    """Read a master key: 32 bytes in base64; `UnreadableError` says how one is made."""
    try:
        key = b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        how = "python -c 'import base64,secrets; print(base64.b64encode(secrets.token_bytes(32)).decode())'"
        raise UnreadableError("vault", f"the master key is not {KEY_BYTES} bytes in base64: make one with {how}")
    return key


def _place(name: str) -> str:
    return f"keys/{name}"


def _aes(key: bytes) -> "AESGCM":
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # only who seals or opens pays for loading it

    return AESGCM(key)


def _decrypted(cipher: "AESGCM", nonce: bytes, sealed: bytes, beside: bytes) -> bytes | None:
    from cryptography.exceptions import InvalidTag

    try:
        return cipher.decrypt(nonce, sealed, beside)
    except (InvalidTag, ValueError):  # a nonce cut short is a value error
        return None


def _hmac(key: bytes, *parts: bytes) -> bytes:
    """Digest parts under a key; each is told with its length, so that no two lists of parts read alike."""
    told = b"".join(len(part).to_bytes(8, "big") + part for part in parts)
    return hmac.new(key, told, hashlib.sha256).digest()
