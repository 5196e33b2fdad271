"""Sessions: each act at the command line is signed by a key that its person's passkey has vouched for.

    act  →  session's key (Ed25519)  →  log-in signed by a passkey  →  passkey enrolled in the ledger

A signature is over the line, its chain and the entry before it, so that it stands in one place alone and cannot be
copied to another. A session is a chain of its own. The one importer of `cryptography`, and only where it is used.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import NamedTuple

from blocks.ledger import Chain
from blocks.records.ledger import Line, Signature
from blocks.records.sessions import Session
from blocks.wire.canonical import canonical, digest

CLI, CLAIMED = "cli", "cli-unproven"
"""The command line as a door: in a session; or where nothing but `--as` says who types."""
CHAIN = "session~"
LOG_IN = "log-in"
ID_CHARS = 32


class Opened(NamedTuple):
    """A session as its chain has it: what was signed, when it was opened, and when it was closed if it was."""

    session: Session
    line: Line
    closed: Line | None

    @property
    def credential(self) -> str:
        """The passkey by which it was opened."""
        return str(self.line.body["proof"]["credential"])


class Key:
    """The secret half of a session."""

    def __init__(self, seed: bytes | None = None) -> None:
        """Make a fresh key, or take up one again."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        self._key = Ed25519PrivateKey.from_private_bytes(seed) if seed else Ed25519PrivateKey.generate()

    @property
    def seed(self) -> bytes:
        """The secret itself, 32 bytes: for the file in which it is kept, and for nothing else."""
        return self._key.private_bytes_raw()

    @property
    def public(self) -> bytes:
        """The public half, 32 bytes."""
        return self._key.public_key().public_bytes_raw()

    def sign(self, text: bytes) -> bytes:
        """Sign."""
        return self._key.sign(text)


class SessionSigner(NamedTuple):
    """Signs what one person does in their session, and nothing else."""

    person: str
    key: Key

    def __call__(self, case: str, prev: str, line: Line, /) -> Line:
        """Sign a line of theirs that follows the entry *prev* of *case*."""
        if line.actor != f"person:{self.person}" or line.source != CLI:
            return line
        signature = spelled(self.key.sign(signed_text(case, prev, line)))
        return line.model_copy(update={"signed": Signature(session=id_of(self.key.public), signature=signature)})


def spelled(data: bytes) -> str:
    """Spell bytes as WebAuthn does: base64url without padding."""
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _read(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def id_of(public_key: bytes) -> str:
    """Name a session by its key."""
    return digest(public_key)[:ID_CHARS]


def chain_of(session: str) -> str:
    """Name the chain of a session."""
    return f"{CHAIN}{session}"


def signed_text(case: str, prev: str, line: Line) -> bytes:
    """Print what is signed of a line: all of it, and the one place where it stands."""
    plain = line.model_copy(update={"signed": None}).model_dump(mode="json")
    return canonical({"almoner": "line/1", "case": case, "prev": prev, "line": plain})


def opened_of(chain: Chain) -> Opened | None:
    """Read a session that was opened, or None."""
    line = next(iter(chain.having("logged-in")), None)
    closed = next(iter(chain.having("logged-out")), None)
    return Opened(Session.model_validate(line.body["session"]), line, closed) if line else None


def holds(session: Session, signature: Signature, text: bytes) -> bool:
    """Say whether a signature over a text is that of a session's key."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

    try:
        public = _read(session.public_key)
        Ed25519PublicKey.from_public_bytes(public).verify(_read(signature.signature), text)
    except (InvalidSignature, ValueError):
        return False
    return id_of(public) == session.id
