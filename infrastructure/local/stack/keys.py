"""The stack's own secrets: made once, kept in one file only its owner can read."""

import base64
import json
import os
import secrets
from dataclasses import asdict, dataclass, field
from pathlib import Path

from infrastructure.local.stack.trouble import StackError

_OWNER_ONLY = 0o600
SAME = "the one that signs now"


@dataclass(frozen=True)
class Keys:
    """What the servers of one home share. `repr` shows nothing: it may end up in a log."""

    postgres_password: str = field(default_factory=lambda: secrets.token_urlsafe(24), repr=False)
    s3_access_key: str = field(default_factory=lambda: f"ALM{secrets.token_hex(8).upper()}", repr=False)
    s3_secret_key: str = field(default_factory=lambda: secrets.token_urlsafe(30), repr=False)
    slack_bot_token: str = field(default_factory=lambda: f"xoxb-{secrets.token_hex(24)}", repr=False)
    slack_signing_secret: str = field(default_factory=lambda: secrets.token_hex(16), repr=False)
    # Standard Webhooks writes its secrets so: the prefix, then base64.
    event_secret: str = field(
        default_factory=lambda: "whsec_" + base64.b64encode(secrets.token_bytes(24)).decode(),
        repr=False,
    )
    # What the vault seals the keys of its subjects with: lost, and no raw message can be read any more.
    vault_key: str = field(default_factory=lambda: base64.b64encode(secrets.token_bytes(32)).decode(), repr=False)
    # The ledger's log and its witness sign with these; nobody else is given them.
    log_key: str = field(default_factory=lambda: _signing_key("laptop.almoner.invalid/ledger"), repr=False)
    log_first_key: str = field(default=SAME, repr=False)  # public; the first, once its key was handed over
    witness_key: str = field(default_factory=lambda: _signing_key("laptop.almoner.invalid/witness", 4), repr=False)

    @property
    def log_first(self) -> str:
        """The public key by which the whole log is believed."""
        return _public(self.log_key) if self.log_first_key == SAME else self.log_first_key

    @property
    def witness_public(self) -> str:
        """The public key of the witness."""
        return _public(self.witness_key)


def _signing_key(name: str, kind: int = 1) -> str:
    from blocks.wire.signed_note import SecretKey

    return SecretKey.made(name, kind).text


def _public(key: str) -> str:
    from blocks.wire.signed_note import SecretKey

    return SecretKey.parse(key).public.text


def load_or_make(path: Path) -> Keys:
    """Read the keys in `path`, or make them and write them there (0600).

    Raises StackError when the file cannot be understood: new keys would lock us out of our own data.
    """
    if not path.exists():
        keys = Keys()
        write(path, keys)
        return keys
    path.chmod(_OWNER_ONLY)
    try:
        known = json.loads(path.read_text())
        keys = Keys(**known)
    except (ValueError, TypeError) as unreadable:
        raise StackError(
            f"{path} is damaged: {unreadable}.",
            "Restore it from a backup, or start afresh with `almoner up --reset`.",
        ) from unreadable
    if known.keys() != asdict(keys).keys():  # a home from before there was one of them
        write(path, keys)
    return keys


def write(path: Path, keys: Keys) -> None:
    """Write the keys where `load_or_make` finds them."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ONLY)
    with os.fdopen(handle, "w") as file:
        json.dump(asdict(keys), file, indent=1)
    draft.replace(path)
